/*
 * Events as the providers document them; every address and number is invented.
 */

const mail = {
  timestamp: '2027-01-04T09:00:00.000Z',
  messageId: '0102018a00000000-1111-2222-3333-000000000000-000000',
  source: 'notices@example.com',
  sourceArn: 'arn:aws:ses:eu-west-1:123456789012:identity/example.com',
  sendingAccountId: '123456789012',
  destination: ['ann@example.org'],
};

interface Options {
  messageId?: string;
  source?: string;
  to?: string;
  feedbackId?: string;
}

const sesMail = ({ messageId, source, to = 'ann@example.org' }: Options) => ({
  ...mail,
  source: source ?? mail.source,
  destination: [to],
  ...(messageId === undefined
    ? {}
    : {
        headersTruncated: false,
        headers: [{ name: 'Message-ID', value: messageId }],
        commonHeaders: { from: ['notices@example.com'], to: [to], messageId, subject: 'A change' },
      }),
});

export function sesBounce(
  options: Options & { type?: string; subType?: string; diagnostic?: string | null; status?: string } = {},
) {
  const {
    type = 'Permanent',
    subType = 'General',
    diagnostic = 'smtp; 550 5.1.1 user unknown',
    status = '5.1.1',
  } = options;
  const said = diagnostic === null ? {} : { action: 'failed', status, diagnosticCode: diagnostic };
  return {
    notificationType: 'Bounce',
    bounce: {
      feedbackId: options.feedbackId ?? '0102018a-feedback-1',
      bounceType: type,
      bounceSubType: subType,
      bouncedRecipients: [{ emailAddress: options.to ?? 'ann@example.org', ...said }],
      timestamp: '2027-01-04T09:00:05.000Z',
      remoteMtaIp: '192.0.2.7',
      reportingMTA: 'dns; a7-11.smtp-out.eu-west-1.amazonses.example',
    },
    mail: sesMail(options),
  };
}

export function sesComplaint(options: Options & { type?: string; subType?: string | null } = {}) {
  return {
    eventType: 'Complaint',
    complaint: {
      feedbackId: options.feedbackId ?? '0102018a-feedback-2',
      complaintSubType: options.subType ?? null,
      complainedRecipients: [{ emailAddress: options.to ?? 'ann@example.org' }],
      timestamp: '2027-01-04T12:00:00.000Z',
      userAgent: 'ExampleFeedback/1.0',
      complaintFeedbackType: options.type ?? 'abuse',
      arrivalDate: '2027-01-04T09:00:05.000Z',
    },
    mail: sesMail(options),
  };
}

export const sesOthers = {
  delivery: {
    eventType: 'Delivery',
    mail: sesMail({}),
    delivery: {
      timestamp: '2027-01-04T09:00:05.000Z',
      processingTimeMillis: 546,
      recipients: ['ann@example.org'],
      smtpResponse: '250 2.6.0 Message received',
      reportingMTA: 'mta.example.org',
    },
  },
  delay: {
    eventType: 'DeliveryDelay',
    mail: sesMail({}),
    deliveryDelay: {
      timestamp: '2027-01-04T09:30:00.000Z',
      delayType: 'MailboxFull',
      expirationTime: '2027-01-04T23:00:00.000Z',
      delayedRecipients: [
        { emailAddress: 'ann@example.org', status: '4.2.2', diagnosticCode: 'smtp; 452 4.2.2 mailbox full' },
      ],
    },
  },
  reject: { eventType: 'Reject', mail: sesMail({}), reject: { reason: 'Bad content' } },
  send: { eventType: 'Send', mail: sesMail({}), send: {} },
  open: { eventType: 'Open', mail: sesMail({}), open: { ipAddress: '192.0.2.9', userAgent: 'x' } },
} as const;

export function postmarkBounce(type: string, details: string, id = 692_560_173) {
  return {
    RecordType: 'Bounce',
    MessageStream: 'outbound',
    ID: id,
    Type: type,
    TypeCode: 1,
    Name: type,
    MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
    ServerID: 23,
    Description: 'The server was unable to deliver your message.',
    Details: details,
    Email: 'ann@example.org',
    From: 'notices@example.com',
    BouncedAt: '2027-01-04T09:00:05Z',
    DumpAvailable: true,
    Inactive: true,
    CanActivate: true,
    Subject: 'A change',
  };
}

export const postmarkOthers = {
  complaint: {
    RecordType: 'SpamComplaint',
    ID: 42,
    Type: 'SpamComplaint',
    MessageID: '00000000-0000-0000-0000-000000000000',
    Email: 'ann@example.org',
    From: 'notices@example.com',
    BouncedAt: '2027-01-04T12:00:00Z',
  },
  delivery: {
    RecordType: 'Delivery',
    MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
    Recipient: 'ann@example.org',
    DeliveredAt: '2027-01-04T09:00:05Z',
    Details: 'Test',
  },
  open: { RecordType: 'Open', Recipient: 'ann@example.org', MessageID: 'x' },
  unsubscribed: {
    RecordType: 'SubscriptionChange',
    MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
    Recipient: 'ann@example.org',
    Origin: 'Recipient',
    SuppressSending: true,
    SuppressionReason: 'ManualSuppression',
    ChangedAt: '2027-01-04T12:00:00Z',
  },
  deactivated: {
    RecordType: 'SubscriptionChange',
    Recipient: 'ann@example.org',
    Origin: 'Recipient',
    SuppressSending: true,
    SuppressionReason: 'HardBounce',
    ChangedAt: '2027-01-04T12:00:00Z',
  },
} as const;

export function sendgridEvent(event: string, more: Readonly<Record<string, unknown>> = {}) {
  return {
    email: 'ann@example.org',
    timestamp: 1_799_053_205,
    event,
    category: ['notice'],
    sg_event_id: `event-${event}-${String(more.reason ?? '')}`,
    sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0',
    ...more,
  };
}

export function mailgunEvent(
  event: string,
  more: {
    severity?: 'permanent' | 'temporary';
    reason?: string;
    status?: Readonly<Record<string, unknown>>;
    messageId?: string;
    sender?: string;
    id?: string;
  } = {},
) {
  return {
    event,
    id: more.id ?? `G9Bn5sl1TC6nu79C8C0bwg-${event}-${more.reason ?? ''}`,
    timestamp: 1_799_053_205.12,
    'log-level': 'error',
    ...(more.severity === undefined ? {} : { severity: more.severity }),
    ...(more.reason === undefined ? {} : { reason: more.reason }),
    'delivery-status': more.status ?? {},
    envelope: { sender: more.sender ?? 'notices@example.com', transport: 'smtp', targets: 'ann@example.org' },
    message: {
      headers: {
        to: 'ann@example.org',
        'message-id': more.messageId ?? '20270104.1@example.com',
        from: 'notices@example.com',
      },
      attachments: [],
      size: 28_000,
    },
    recipient: 'ann@example.org',
    'recipient-domain': 'example.org',
    tags: [],
  };
}
