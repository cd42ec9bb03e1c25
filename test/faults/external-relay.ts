import { SMTPServer } from 'smtp-server';

/*
 * A mail server as a process of its own, for tests that start it with `fork`: it takes mail from whoever
 * knows the name and password in its arguments, and tells its parent its port and every mail.
 */

const [name = '', password = ''] = process.argv.slice(2);
const tell = (message: object) => process.send?.(message);

const server = new SMTPServer({
  authOptional: false,
  allowInsecureAuth: true,
  authMethods: ['PLAIN', 'LOGIN'],
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  logger: false,
  onAuth(auth, _session, done) {
    if (auth.username === name && auth.password === password) return done(null, { user: name });
    done(Object.assign(new Error('5.7.8 authentication credentials invalid'), { responseCode: 535 }));
  },
  onData(stream, session, done) {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      tell({
        user: session.user,
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        raw: Buffer.concat(parts).toString('base64'),
      });
      done(null, '2.0.0 taken');
    });
  },
});
// A client that goes away in the middle is no fault here.
server.on('error', () => undefined);
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  tell({ port: address.port });
});
// The parent is gone, or wants no more.
process.on('disconnect', () => process.exit(0));
