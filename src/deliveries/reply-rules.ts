/*
 * PURE. Data: what replies of mail systems mean. The first rule that fits decides, so what is special
 * stands above what is general. A reply that is judged wrongly costs one row here, with the real
 * wording above it (addresses invented).
 *
 * The codes alone do not do: 550 5.7.1 is a policy of the receiver, 550 5.1.1 a mailbox that does not
 * exist, a bare 550 either of them; and 552 is a full mailbox at RCPT and a message too large at DATA.
 */

/** What a refusal is about. */
export type Meaning =
  /** Nobody is there, and nobody will be: mailing on harms the sender's name. */
  | 'mailbox-unknown'
  | 'mailbox-disabled'
  | 'domain-unknown'
  | 'address-invalid'
  /** Somebody is there, who cannot be reached now. */
  | 'mailbox-full'
  | 'domain-unreachable'
  | 'greylisted'
  /** It is about us: what we send, how much, or that we may not. */
  | 'policy'
  | 'throttled'
  | 'too-large'
  | 'relaying-denied'
  | 'sender-refused'
  /** The dialogue went astray; the same on a fresh connection may well pass. */
  | 'dialogue'
  | 'refused';

export interface ReplyRule {
  /** First digit of the code; absent: both. */
  class?: 4 | 5;
  codes?: readonly number[];
  /** The enhanced code, whole. */
  enhanced?: RegExp;
  /** Somewhere in the text. */
  words?: RegExp;
  stages?: readonly ('mail' | 'rcpt' | 'data')[];
  means: Meaning;
}

export const replyRules: readonly ReplyRule[] = [
  // 503 5.5.1 Error: nested MAIL command
  // 503 Bad sequence of commands
  { codes: [503], means: 'dialogue' },

  // 554 5.7.1 <ann@example.org>: Relay access denied
  // 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
  // 550 relaying not permitted · 553 sorry, that domain isn't in my list of allowed rcpthosts
  {
    words:
      /relay(?:ing)? (?:access )?(?:denied|not (?:allowed|permitted))|unable to relay|not permitted to relay|allowed rcpthosts/i,
    means: 'relaying-denied',
  },
  // 530 5.7.0 Authentication required · 530 5.7.57 Client not authenticated to send mail
  { codes: [530, 535], means: 'sender-refused' },

  // 450 4.2.0 <ann@example.org>: Recipient address rejected: Greylisted, see https://postgrey.example/
  // 451 4.7.1 Greylisting in action, please come back later
  { class: 4, words: /gr[ea]y-?list/i, means: 'greylisted' },
  // 452 4.2.2 The email account that you tried to reach is over quota
  { enhanced: /^[45]\.2\.2$/, means: 'mailbox-full' },
  // 552 Requested mail action aborted: exceeded storage allocation
  // 550 Mailbox quota exceeded · 554 mailbox is full
  {
    words:
      /over ?quota|quota (?:is )?exceeded|exceed\w* (?:\w+ )?(?:storage|quota)|mailbox (?:is )?full|insufficient (?:mailbox )?storage/i,
    stages: ['rcpt', 'data'],
    means: 'mailbox-full',
  },

  // 552 5.3.4 Message size exceeds fixed maximum message size
  // 552 5.2.3 Message exceeds maximum fixed size
  { enhanced: /^5\.(?:3\.4|2\.3)$/, means: 'too-large' },
  { words: /(?:message|mail)\b.{0,40}(?:too (?:large|big)|size|exceeds)/i, means: 'too-large' },

  // 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@example.org not found by SMTP address lookup
  // 556 5.1.10 Recipient address has null MX (RFC 7505)
  // 550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table
  // 550-5.1.1 The email account that you tried to reach does not exist
  // 550 5.1.6 Recipient has moved
  { class: 5, enhanced: /^5\.1\.(?:1|6|10)$/, means: 'mailbox-unknown' },
  // 550 5.4.1 Recipient address rejected: Access denied. (Exchange Online, of a recipient that it does not know)
  { class: 5, enhanced: /^5\.4\.1$/, words: /recipient address rejected: access denied/i, means: 'mailbox-unknown' },
  // 550 5.4.310 DNS domain example.org does not exist
  { class: 5, enhanced: /^5\.4\.310$/, means: 'domain-unknown' },
  // 550 5.1.2 <ann@example.org>: Recipient address rejected: Domain not found
  { class: 5, enhanced: /^5\.(?:1\.2|4\.4)$/, means: 'domain-unknown' },
  // 501 5.1.3 Bad recipient address syntax
  { class: 5, enhanced: /^5\.1\.3$/, means: 'address-invalid' },
  // 553 5.1.8 <notices@example.com>: Sender address rejected: Domain not found
  // 550 5.1.7 Invalid address of the sender
  { enhanced: /^[45]\.1\.[78]$/, means: 'sender-refused' },
  { words: /sender address rejected|sender (?:verify|verification) failed/i, means: 'sender-refused' },
  // 550 5.2.1 The email account that you tried to reach is disabled
  { class: 5, enhanced: /^5\.2\.1$/, means: 'mailbox-disabled' },

  // 550 5.7.1 Our system has detected that this message is likely unsolicited mail
  // 550 5.7.515 Access denied, sending domain does not meet the required authentication level
  // 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.example
  // 550 5.7.26 This mail has been blocked because the sender is unauthenticated
  { class: 5, enhanced: /^5\.7\.\d+$/, means: 'policy' },
  // 554 Transaction failed: message rejected as spam · 550 High probability of spam
  // 550 IP 192.0.2.1 is blacklisted · 550 SC-001 (SNT004) Mail rejected for policy reasons
  {
    class: 5,
    words:
      /spam|block(?:ed|list)|black-?list|\bpolicy\b|reputation|unsolicited|\bdmarc\b|\bspf\b|\bdkim\b|\brbl\b|content reject|virus/i,
    means: 'policy',
  },
  // 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints
  // 451 4.7.500 Server busy. Please try again later · 450 4.7.1 too many recipients, slow down
  { class: 4, enhanced: /^4\.7\.\d+$/, means: 'throttled' },
  {
    class: 4,
    words: /rate limit|too many|try again later|slow down|temporarily deferred|throttl/i,
    means: 'throttled',
  },

  // 450 4.1.2 <b@example.org>: Recipient address rejected: Domain not found
  // 451 4.4.1 No answer from host
  { class: 4, enhanced: /^4\.(?:1\.2|4\.\d+)$/, means: 'domain-unreachable' },

  // 550 No such user here · 550 user unknown · 551 User not local · 553 sorry, no mailbox here by that name
  // 550 Requested action not taken: mailbox unavailable · 554 delivery error: This user doesn't have an account
  {
    class: 5,
    stages: ['rcpt', 'data'],
    words:
      /(?:no such|unknown|invalid|non-?existent) (?:user|recipient|mailbox|address|account|person)|(?:user|recipient|mailbox|address|account)\b.{0,60}\b(?:unknown|not (?:found|exist|known|local)|does ?n[o']t exist|unavailable|invalid)|no (?:mailbox|user) (?:here|by that name)|doesn'?t have an? .{0,20}account/i,
    means: 'mailbox-unknown',
  },
  // User ann (ann@example.org) not listed in Domino Directory · 550 5.0.0 unknown or illegal alias
  // 550 The recipient name is not recognized · Your message wasn't delivered because the address couldn't be found
  {
    class: 5,
    stages: ['rcpt', 'data'],
    words:
      /not listed in (?:the )?(?:domino directory|public name|address book)|unknown or illegal alias|recipient name is not recognized|addressee unknown|unknown local[ -]part|no such (?:alias|local user)|(?:address|recipient|mailbox)\b.{0,60}couldn't be found/i,
    means: 'mailbox-unknown',
  },
  // 550 account disabled · 550 This account has been suspended
  {
    class: 5,
    stages: ['rcpt', 'data'],
    words: /(?:account|mailbox|user)\b.{0,30}\b(?:disabled|inactive|suspended|deactivated)/i,
    means: 'mailbox-disabled',
  },
  // 550 Host unknown · 550 Unrouteable address
  {
    class: 5,
    stages: ['rcpt'],
    words: /(?:host|domain)\b.{0,20}\b(?:unknown|not found|does ?n[o']t exist)|unrout(?:e)?able/i,
    means: 'domain-unknown',
  },
  // 550 5.4.316 Message expired, connection refused · 550 5.4.300 Message expired · retry timeout exceeded
  {
    words:
      /message expired|(?:delivery|retry) time(?:out)? (?:expired|exceeded)|in the queue too long|connection (?:timed out|refused)|no route to host|network is unreachable/i,
    means: 'domain-unreachable',
  },
];
