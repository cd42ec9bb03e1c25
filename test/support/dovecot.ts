import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import type { Test } from 'tap';
import { freePort, temporaryFolder, until } from './process.js';

const dovecot = '/usr/sbin/dovecot';

/**
 * Why tests with a real IMAP server cannot run here, for `t.test(name, { skip: dovecotMissing() }, …)`;
 * false when they can. Where the tools have to be (CI_TOOLS_REQUIRED=1) its lack is a failure.
 */
export function dovecotMissing(): string | false {
  if (existsSync(dovecot) || process.env.CI_TOOLS_REQUIRED === '1') return false;
  return 'no IMAP server here: install dovecot-imapd';
}

export interface Kept {
  uid: number;
  subject: string;
  /** Flags and keywords, sorted. */
  flags: string[];
}

export interface ImapServer {
  port: number;
  /** With TLS, by a certificate that nobody knows but who is given `certificate`. */
  securePort: number;
  certificate: string;
  user: string;
  password: string;
  /** Of the inbox, in the clear. */
  url: string;
  /** Puts a mail into the inbox, as a delivery agent does. */
  deliver(mail: string | Buffer): void;
  /** From when this returns the old one is refused. */
  changePassword(password: string): Promise<void>;
  /** What is in a folder, by another client; null when there is no such folder. */
  folder(path: string): Promise<Kept[] | null>;
  /** Works with another client on a folder. */
  visit<T>(path: string, work: (client: ImapFlow) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Dovecot on free ports, with one user and a mailbox in a folder that is gone at the end of `t`.
 * @param options.settings further lines of its configuration
 */
export async function startDovecot(t: Test, options: { settings?: string } = {}): Promise<ImapServer> {
  if (!existsSync(dovecot)) throw new Error(`there is no ${dovecot}: install dovecot-imapd`);
  const folder = temporaryFolder(t);
  const [port, securePort] = [await freePort(), await freePort()];
  const isRoot = process.getuid?.() === 0;
  const { username, uid, gid } = userInfo();
  const [mailUid, mailGid] = isRoot ? [65_534, 65_534] : [uid, gid];
  const at = (name: string) => join(folder, name);
  let password = 'p%ss wörd/1';
  const user = 'bounces';

  // Other users than root's have to get to the mail.
  chmodSync(folder, 0o711);
  for (const part of ['', '/new', '/cur', '/tmp']) {
    mkdirSync(at(`mail${part}`), { mode: 0o700 });
    chownSync(at(`mail${part}`), mailUid, mailGid);
  }
  makeCertificate(at('cert.pem'), at('key.pem'));
  const writePassword = (next: string) => {
    password = next;
    writeFileSync(at('users.new'), `${user}:{PLAIN}${next}\n`, { mode: 0o644 });
    renameSync(at('users.new'), at('users'));
  };
  writePassword(password);
  const users = isRoot
    ? ''
    : `default_internal_user = ${username}\ndefault_login_user = ${username}\ndefault_internal_group =\n`;
  writeFileSync(
    at('dovecot.conf'),
    `base_dir = ${at('run')}
state_dir = ${at('state')}
log_path = ${at('log')}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${at('cert.pem')}
ssl_key = <${at('key.pem')}
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:${at('mail')}
mail_max_userip_connections = 100
mail_fsync = never
${users}
passdb {
  driver = passwd-file
  args = ${at('users')}
}
userdb {
  driver = static
  args = uid=${mailUid} gid=${mailGid} home=${at('mail')}
}
namespace inbox {
  inbox = yes
}
service anvil {
  chroot =
  # Else wrong passwords of a test make the right one wait.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${securePort}
    ssl = yes
  }
}
${options.settings ?? ''}
`,
  );

  let child: ChildProcess | null = null;
  let count = 0;
  const connected = async <T>(work: (client: ImapFlow) => Promise<T>): Promise<T> => {
    const auth = { user, pass: password };
    const client = new ImapFlow({ host: '127.0.0.1', port, secure: false, doSTARTTLS: false, auth, logger: false });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.logout().catch(() => undefined);
      client.close();
    }
  };

  const start = async () => {
    const started = spawn(dovecot, ['-F', '-c', at('dovecot.conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let said = '';
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (text: Buffer) => (said += text));
    await until('the IMAP server', async () => {
      if (started.exitCode !== null) throw new Error(`dovecot ended: ${said}${logOf(at('log'))}`);
      return connected(async () => true).catch(() => false);
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${said}${logOf(at('log'))}`);
    });
  };
  const stop = async () => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    running.kill('SIGTERM');
    await once(running, 'close');
  };
  t.teardown(stop);
  await start();

  const visit: ImapServer['visit'] = (path, work) =>
    connected(async (client) => {
      await client.mailboxOpen(path);
      return work(client);
    });
  return {
    port,
    securePort,
    certificate: at('cert.pem'),
    user,
    get password() {
      return password;
    },
    get url() {
      return `imap://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/INBOX`;
    },
    deliver(mail) {
      count += 1;
      const name = `${Math.floor(Date.now() / 1_000)}.M${String(count).padStart(6, '0')}P${process.pid}.test`;
      const raw = typeof mail === 'string' ? mail.replace(/\r?\n/g, '\r\n') : mail;
      writeFileSync(at(`mail/tmp/${name}`), raw);
      chownSync(at(`mail/tmp/${name}`), mailUid, mailGid);
      renameSync(at(`mail/tmp/${name}`), at(`mail/new/${name}`));
    },
    async changePassword(next) {
      writePassword(next);
      // The server looks at its file once a second.
      await until('the new password', () => connected(async () => true).catch(() => false));
    },
    async folder(path) {
      const paths = await connected(async (client) => (await client.list()).map((found) => found.path));
      if (!paths.includes(path)) return null;
      return visit(path, async (client) => {
        if (client.mailbox === false || client.mailbox.exists === 0) return [];
        const found = await client.fetchAll('1:*', { uid: true, flags: true, envelope: true });
        return found.map((mail) => ({
          uid: mail.uid,
          subject: mail.envelope?.subject ?? '',
          flags: [...(mail.flags ?? [])].filter((flag) => flag !== '\\Recent').sort(),
        }));
      });
    },
    visit,
    stop,
    start,
  };
}

function makeCertificate(certificate: string, key: string): void {
  const args = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext';
  const made = spawnSync(
    'openssl',
    [...args.split(' '), 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
}

function logOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
