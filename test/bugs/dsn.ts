/** What a mail system reports of a mail (RFC 3464), written by hand. */
function dsnOf(report: {
  address: string;
  messageId: string;
  action: string;
  status: string;
  diagnostic: string;
}): string {
  return [
    'From: MAILER-DAEMON@mx.example.net',
    'To: notices@localhost',
    'Subject: About your mail',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"',
    '',
    '--b1',
    'Content-Type: text/plain',
    '',
    'This is what became of your mail so far.',
    '--b1',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    '',
    `Final-Recipient: rfc822; ${report.address}`,
    `Action: ${report.action}`,
    `Status: ${report.status}`,
    `Diagnostic-Code: smtp; ${report.diagnostic}`,
    '',
    '--b1',
    'Content-Type: text/rfc822-headers',
    '',
    `Message-ID: ${report.messageId}`,
    '',
    '--b1--',
    '',
  ].join('\r\n');
}

/** “Still trying”: no failure. */
export function delayedDsn(address: string, messageId: string): string {
  return dsnOf({
    address,
    messageId,
    action: 'delayed',
    status: '4.4.1',
    diagnostic: '451 4.4.1 no answer from the host',
  });
}

/** A mailbox that is gone. */
export function goneDsn(address: string, messageId: string): string {
  return dsnOf({
    address,
    messageId,
    action: 'failed',
    status: '5.1.1',
    diagnostic: `550 5.1.1 <${address}> no such user`,
  });
}
