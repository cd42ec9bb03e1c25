import { encode } from 'uqr';
import { type Html, html, trusted } from '../html.js';

/** Modules around the code, without which cameras do not find it (ISO/IEC 18004 asks for four). */
const quiet = 4;

/**
 * PURE. A QR code as an SVG element: dark on white in any colour scheme, and without styles, which the CSP forbids.
 * @param label what a screen reader says in its place
 */
export function qrCode(text: string, label: string): Html {
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  const side = size + 2 * quiet;
  const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x + quiet} ${y + quiet}h1v1h-1z`] : [])));
  // Digits and letters of our own making.
  const path = trusted(dark.join(''));
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${side} ${side}" width="240" height="240" shape-rendering="crispEdges"><rect width="${side}" height="${side}" fill="#ffffff"/><path d="${path}" fill="#000000"/></svg>`;
}
