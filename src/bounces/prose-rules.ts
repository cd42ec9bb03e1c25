/*
 * PURE. Data: how mail systems word a bounce for people when they send nothing for programs. Each
 * row is one system's documented form; a bounce that is not understood costs one row here, and a sample
 * in test/bounces/corpus.
 */

export interface ProseForm {
  system: string;
  /** What the system writes above every bounce, and nothing else. */
  opening: RegExp;
  /** Each recipient, in its first group. What follows, up to the next one, is the reason. */
  recipient: RegExp;
  /** Whether the system's own words say that the failure is final, where no code does. */
  isPermanent: boolean;
}

const address = String.raw`[^\s<>()"'\[\],;:]{1,64}@[^\s<>()"'\[\],;:]{1,255}`;
const line = (pattern: string) => new RegExp(pattern.replaceAll('ADDRESS', address), 'gim');

/** A line that begins with `<ann@example.org>`, with a colon or alone. */
const bracketed = line(String.raw`^[ \t]{0,20}<(ADDRESS)>(?: \([^)\n]{0,200}\))?(?=[ \t]*:|[ \t]*$)`);
/** A line with nothing but an address. */
const alone = line(String.raw`^[ \t]{0,20}"?<?(ADDRESS)>?"?:?[ \t]*$`);

export const proseForms: readonly ProseForm[] = [
  // Hi. This is the qmail-send program at mx.example.net.
  // I'm afraid I wasn't able to deliver your message to the following addresses.
  // This is a permanent error; I've given up. Sorry it didn't work out.
  // <ann@example.org>: … (QSBMF; qmail-ldap, netqmail, IndiMail and s/qmail write the same)
  {
    system: 'qmail',
    opening: /^hi\. (?:this is the|i am the) .{1,120}(?:\n.{0,200}){0,3}wasn't able to deliver your message/im,
    recipient: bracketed,
    isPermanent: true,
  },
  // Sorry, we were unable to deliver your message to the following address.
  // <ann@example.org>:
  // 554: delivery error: dd This user doesn't have a … account
  {
    system: 'Yahoo',
    opening:
      /we were unable to deliver your message to the following address|^message from \S{1,100}\.\s{1,3}unable to deliver message to/im,
    recipient: bracketed,
    isPermanent: true,
  },
  // This is the mail system at host mx.example.net.
  // I'm sorry to have to inform you that your message could not be delivered to one or more recipients.
  // <ann@example.org>: host mx.example.org[192.0.2.7] said: 550 5.1.1 … (in reply to RCPT TO command)
  {
    system: 'Postfix',
    opening: /^this is the (?:\S{1,100} )?(?:program|mail system) at host [\s\S]{0,400}could not\s{1,3}be delivered/im,
    recipient: bracketed,
    isPermanent: true,
  },
  // "ann@example.org":
  // SMTP error from remote server for RCPT TO command, host: … reason: 550 User unknown
  {
    system: 'GMX, web.de, 1&1',
    opening:
      /a message that you sent could not be delivered to one or more of\s{1,3}its recipients\.[\s\S]{0,120}the following address\s{1,3}failed/i,
    recipient: line(String.raw`^[ \t]{0,20}(?:"|<)?(ADDRESS)(?:"|>)?:[ \t]*$`),
    isPermanent: true,
  },
  // This message was created automatically by mail delivery software.
  // A message that you sent could not be delivered to one or more of its recipients. This is a permanent
  // error. The following address(es) failed:
  //   ann@example.org
  //     host mx.example.org [192.0.2.7] … (cPanel too)
  {
    system: 'Exim',
    opening:
      /a message (?:that you sent|sent by)[\s\S]{0,200}could not be delivered to (?:one or more|all) of its\s{1,3}recipients[\s\S]{0,120}the following address(?:\(es\)|es)?[ \w]{0,20}(?:failed|:)/i,
    recipient: alone,
    isPermanent: true,
  },
  // A message that you sent has not yet been delivered to one or more of its recipients after more than 24
  // hours on the queue on mx.example.net.
  // The address to which the message has not yet been delivered is:
  //   ann@example.org
  {
    system: 'Exim, while it is trying',
    opening: /a message that you sent has not yet been delivered/i,
    recipient: alone,
    isPermanent: false,
  },
  // This message was created automatically by mail delivery software.
  // A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.
  // ann@example.org, ERROR CODE :550 - 5.1.1 …
  {
    system: 'Zoho',
    opening: /this message was created automatically by mail delivery software[\s\S]{0,400}error[ _]code ?:/i,
    recipient: line(String.raw`^[ \t]{0,20}\[?<?(ADDRESS)>?\]?[ \t,:-]{0,5}(?=error[ _]code)`),
    isPermanent: true,
  },
  // ** Address not found **
  // Your message wasn't delivered to ann@example.org because the address couldn't be found, …
  // The response from the remote server was: 550 5.1.1 …
  {
    system: 'Gmail',
    opening:
      /your message (?:wasn't|wasn’t|was not|couldn't be|couldn’t be) delivered to \S{1,320}\s{1,3}because|^\*\* (?:address not found|message (?:blocked|not delivered|too large)) \*\*/im,
    recipient: line(String.raw`delivered to\s{1,3}<?(ADDRESS)>?(?=[\s.,]|$)`),
    isPermanent: true,
  },
  // Delivery to the following recipient failed permanently:
  //      ann@example.org
  // Technical details of permanent failure: …
  {
    system: 'Gmail until 2016',
    opening: /delivery to the following recipients? failed permanently/i,
    recipient: alone,
    isPermanent: true,
  },
  // Delivery has failed to these recipients or groups:
  // Ann (ann@example.org) …  Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; …'
  {
    system: 'Exchange, Exchange Online',
    opening:
      /delivery has failed to these recipients or (?:groups|distribution lists)|your message to \S{1,320} couldn't be delivered/i,
    recipient: line(String.raw`^[ \t]{0,20}(?:[^\n<>()@]{0,100}[(<])?(?:mailto:)?(ADDRESS)[)>]?[ \t]*$`),
    isPermanent: true,
  },
  // Your message did not reach some or all of the intended recipients.
  // The following recipient(s) could not be reached:
  //       ann@example.org on 1/4/2027 10:00 AM
  //             The e-mail account does not exist at the organization this message was sent to. … #5.1.1
  // hMailServer begins the same way, and names the remote server's reply.
  {
    system: 'Exchange 2000 and 2003, hMailServer, MailEnable',
    opening: /the following recipients?(?:\(s\))? (?:could|cannot) (?:not )?be reached/i,
    recipient: line(
      String.raw`^[ \t]{0,20}(?:recipient: )?(?:'|\[?smtp:|")?(ADDRESS)(?:'|\]|")?(?: on \d[^\n]{0,60})?[ \t]*$`,
    ),
    isPermanent: true,
  },
  // did not reach the following recipient(s):
  // ann@example.org on Mon, 4 Jan 2027 10:00:00 +0000
  //     The recipient name is not recognized … MSEXCH:IMS:… Unknown Recipient
  {
    system: 'Exchange 5.5',
    opening: /did not reach the following recipient\(s\)/i,
    recipient: line(String.raw`^[ \t]{0,20}'?(ADDRESS)'? on \w{3}, `),
    isPermanent: true,
  },
  // Your message … was not delivered to: ann@example.org because: User ann (ann@example.org) not listed in Domino Directory
  // ------- Failure Reasons  --------
  {
    system: 'Lotus Notes, Domino',
    opening:
      /-{3,20} {0,3}failure reasons {0,3}-{3,20}|^[ \t]*was not delivered to:\s{1,10}\S[\s\S]{0,400}^[ \t]*because:/im,
    recipient: line(
      String.raw`(?:^[ \t]*was not delivered to:\s{1,10}<?|^[ \t]{0,20}user [^\n()]{1,100} \()(ADDRESS)|^[ \t]{0,20}(ADDRESS)(?=\s{1,10}-{3,20} ?returned)`,
    ),
    isPermanent: true,
  },
  // The message that you sent was undeliverable to the following:
  //     ann@example.org (550 5.1.1 User unknown)
  {
    system: 'GroupWise',
    opening: /the message that you sent was undeliverable to the following/i,
    recipient: line(String.raw`^[ \t]{0,20}(ADDRESS)(?=[ \t]*(?:\(|$))`),
    isPermanent: true,
  },
  //    ----- The following addresses had permanent fatal errors -----
  // <ann@example.org>
  //     (reason: 550 5.1.1 <ann@example.org>... User unknown)
  {
    system: 'Sendmail',
    opening:
      /-{3,10} the following addresses had (?:permanent fatal errors|transient non-fatal errors|delivery problems) -{3,10}/i,
    recipient: alone,
    isPermanent: true,
  },
  // UNDELIVERABLE MAIL. Your message to the following recipients cannot be delivered:
  // <ann@example.org>:
  //     mx.example.org [192.0.2.7]: <<< 550 5.1.1 User unknown
  {
    system: 'Courier',
    opening: /your message to the following recipients\s{1,3}cannot be delivered/i,
    recipient: bracketed,
    isPermanent: true,
  },
  // An error occurred while trying to deliver the mail to the following recipients:
  // ann@example.org
  {
    system: 'Amazon SES',
    opening: /an error occurred while trying to deliver the mail to the following recipients/i,
    recipient: alone,
    isPermanent: false,
  },
  // Your message cannot be delivered to the following recipients:
  //   Recipient address: ann@example.org
  //   Reason: Remote SMTP server has rejected address
  //   Diagnostic code: smtp;550 5.1.1 unknown user
  {
    system: 'Oracle (Sun, iPlanet) Messaging Server',
    opening: /your message cannot be delivered to the following recipients/i,
    recipient: line(String.raw`^[ \t]{0,20}recipient address:[ \t]{0,5}<?(ADDRESS)>?`),
    isPermanent: true,
  },
  // The attached message had PERMANENT fatal delivery errors!
  // Failed address: ann@example.org
  // --- Session Transcript ---
  {
    system: 'MDaemon',
    opening: /the attached message had permanent fatal delivery errors/i,
    recipient: line(String.raw`failed address:[ \t]{0,5}<?(ADDRESS)>?`),
    isPermanent: true,
  },
  // |------------------------- Message log follows: -------------------------|
  // |------------------------- Failed addresses follow: ---------------------|
  //  <ann@example.org> ... unknown host
  {
    system: 'Smail, T-Online',
    opening: /-{3,40} failed addresses follow: -{3,40}/i,
    recipient: line(String.raw`^[ \t]{0,20}<(ADDRESS)>(?= \.\.\.)`),
    isPermanent: true,
  },
  // Message delivery to 'ann@example.org' failed
  // SMTP module(domain example.org) reports: host mx.example.org says: 550 5.1.1 …
  {
    system: 'CommuniGate',
    opening: /^message delivery to '[^'\n]{3,320}' (?:failed|was not)/im,
    recipient: line("^message delivery to '(ADDRESS)'"),
    isPermanent: true,
  },
  // Unable to deliver message to the following recipients, due to being unable to connect successfully …
  // The following message to <ann@example.org> was undeliverable.
  // The reason for the problem: 5.1.1 - Bad destination email address 'User unknown'
  {
    system: 'IronPort, Cisco',
    opening: /the following message to <[^<>\s]{3,320}> was undeliverable/i,
    recipient: line('the following message to <(ADDRESS)> was undeliverable'),
    isPermanent: true,
  },
];

/**
 * Words of a report that a mail is late, or that the mail system still tries. Where one of them stands
 * nothing is final, whatever else does.
 */
export const stillTrying =
  /this is a warning(?: message)? only|(?:you )?do not need to re-?send|no action is required on your part|has not (?:yet )?been delivered|(?:delivery|your message|it) (?:has been|is|was) delayed|will (?:be retried|retry|keep trying|continue to (?:be )?(?:try|attempt|retried)|try (?:again|to deliver))|will be attempted|still being attempted|delivery incomplete|temporary (?:problem|failure) delivering|transient non-fatal errors|could not be delivered for more than|delivery attempts will continue|delivery to the following recipients? has been delayed|wird (?:weiterhin|erneut) versucht|noch nicht zugestellt/i;

/** Where the copy of the mail begins, which is not the reporter's words. */
export const copyBegins =
  /^[ \t]*(?:-{2,}[ \t]*(?:below this line is a copy|this is a copy of|the (?:header|body) of the (?:original )?message|the header of the original|original message|returned message|returned mail follows|header of the|unsent message|message (?:header|text) follows|enclosed is a copy)|\|-{3,} ?message (?:header|text) follows|-{3,} ?(?:forwarded|original|returned|undelivered) (?:message|mail)|original message headers:|the headers of the message (?:were|are)|received: from )/im;

/** Local parts of the senders of bounces. */
export const bouncers =
  /^(?:mailer[-_.]?daemon|post-?master|mail[-_.]?daemon|mdaemon|mail[-_.]?delivery(?:[-_.]?(?:system|subsystem))?|bounces?|mailer|microsoftexchange[0-9a-f]{6,})(?:[+=-].*)?$/i;
