/*
 * PURE. What went wrong on the way to a service, in one sentence that says what to do.
 */

const certificates =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_.*|ERR_TLS_.*)$/;

/** Codes of Node and of its fetch; what they say follows the address. */
const sentences: readonly { code: RegExp; says: string; passing: boolean }[] = [
  {
    code: /^ECONNREFUSED$/,
    says: 'nothing listens there; is the service running, and is the port right?',
    passing: true,
  },
  { code: /^ENOTFOUND$/, says: 'there is no host of that name', passing: false },
  { code: /^EAI_AGAIN$/, says: 'the name of the host cannot be looked up at the moment', passing: true },
  { code: /^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, says: 'there is no way to that host from here', passing: true },
  { code: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, says: 'the host does not answer', passing: true },
  { code: /^(UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT)$/, says: 'it did not answer in time', passing: true },
  { code: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, says: 'the connection broke off', passing: true },
  {
    code: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    says: 'its certificate is for another host name; name the host as the certificate does',
    passing: false,
  },
  { code: /^CERT_HAS_EXPIRED$/, says: 'its certificate has expired; have it renewed', passing: false },
  {
    code: certificates,
    says: 'its certificate is signed by nobody known here; for an authority of your own set NODE_EXTRA_CA_CERTS to its file',
    passing: false,
  },
  {
    code: /^(EPROTO|ERR_SSL_.*)$/,
    says: 'no TLS can be agreed on; is it an http address, or another port?',
    passing: false,
  },
  { code: /^HPE_/, says: 'what answers there is no web server; is the port right?', passing: false },
];

/**
 * @param error what `fetch` threw; `passing`: it may be over in a moment
 * @param limit after how many milliseconds it was given up, if it was
 */
export function faultOfNetwork(url: string, error: unknown, limit: number): { sentence: string; passing: boolean } {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return { sentence: `${url}: no answer within ${Math.ceil(limit / 1_000)} seconds`, passing: true };
  }
  const code = codeOf(error);
  const known = sentences.find((one) => one.code.test(code));
  if (known !== undefined) return { sentence: `${url}: ${known.says} (${code})`, passing: known.passing };
  return { sentence: `${url}: cannot be reached (${code || messageOf(error)})`, passing: false };
}

/** The code stands in what caused the failure, or in what caused that. */
function codeOf(error: unknown): string {
  for (let cause = error, depth = 0; depth < 5 && cause instanceof Error; cause = cause.cause, depth += 1) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
    // Several addresses of one host were tried.
    if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  }
  return '';
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason is known';
  return error.cause instanceof Error ? error.cause.message : error.message;
}
