import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Config, RemoteConfig } from '../config.js';

/** Where a command reads its settings and writes. */
export interface Surroundings {
  /** The settings; throws a ConfigError. Commands on files alone need none. */
  config: () => Config;
  /** What the settings say of a running service to work at; throws a ConfigError. Absent: they say nothing. */
  remote?: () => RemoteConfig;
  /** A line for people or data, to standard output. */
  say: (line: string) => void;
  /** A line about a fault, to standard error. */
  complain: (line: string) => void;
  /**
   * Starts what goes on when the command has returned, and closes it when the process is told to end,
   * also while it is still starting.
   */
  stay: (start: () => Promise<Running>) => Promise<void>;
  /** Asks whoever sits at the terminal; absent where nobody does. */
  ask?: (question: string) => Promise<string>;
}

/** What goes on after it has begun (the service), until it is closed. */
export interface Running {
  close(): Promise<void>;
}

/**
 * 0: done. 1: failed, and `complain` was told why. 3, 4, 5: done, and what was found is for a pipeline to know:
 * something changes, something material does, it waits for somebody's approval.
 */
export type Outcome = 0 | 1 | 3 | 4 | 5;

export interface Input {
  positionals: string[];
  text: (option: string) => string | undefined;
  flag: (option: string) => boolean;
}

export interface Command {
  /** Words as typed, such as `token create`. */
  name: string;
  /** What follows the name, such as `FILE [--json]`. */
  usage: string;
  summary: string;
  options: NonNullable<ParseArgsConfig['options']>;
  /** How many arguments there may be, beside options. */
  arguments: { min: number; max: number };
  run(input: Input, surroundings: Surroundings): Promise<Outcome>;
}

/** Used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the words after a command's name. */
export function readInput(command: Command, words: readonly string[]): Input {
  const { values, positionals } = parse(command, words);
  const { min, max } = command.arguments;
  if (positionals.length < min) throw new UsageError(`${command.name} needs ${command.usage}`);
  if (positionals.length > max)
    throw new UsageError(`${command.name} does not know what to do with "${positionals[max]}"`);
  return {
    positionals,
    text(option) {
      const value = values[option];
      return typeof value === 'string' ? value : undefined;
    },
    flag: (option) => values[option] === true,
  };
}

function parse(command: Command, words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: command.options, allowPositionals: true, strict: true });
  } catch (error) {
    // parseArgs says what is wrong in its first sentence; the rest is advice for programmers.
    const sentence = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new UsageError(`${command.name}: ${sentence}`);
  }
}
