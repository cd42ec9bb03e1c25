import type { Command } from './command.js';

/** The service itself: pages, API, console, sending. Ends by SIGTERM or Ctrl-C. */
export const serveCommand: Command = {
  name: 'serve',
  usage: '',
  summary: 'Runs the service; its settings come from the environment.',
  options: {},
  arguments: { min: 0, max: 0 },
  async run(_input, { config, say, stay }) {
    const settings = config();
    // Loaded when it is wanted: the other commands, and the faults of settings, need none of it.
    const { serve } = await import('../serve.js');
    await stay(() => serve(settings, say));
    return 0;
  },
};
