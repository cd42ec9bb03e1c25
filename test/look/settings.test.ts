import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { type Colour, contrast, leastContrast, leastOn, readableOn, readColour } from '../../src/colour.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { darkFrom, grounds, tonesOf } from '../../src/look.js';
import { mailColours } from '../../src/mail/colours.js';
import { harmlessSvg } from '../../src/svg.js';
import { temporaryFolder } from '../support/process.js';
import { aFont, aJpeg, aPng } from './files.js';

function faultsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.faults];
    throw error;
  }
}

t.test('contrast is that of WCAG', async (t) => {
  for (const [one, other, expected] of [
    ['#000', '#fff', 21],
    ['#777777', '#ffffff', 4.48],
    ['#767676', '#ffffff', 4.54],
    ['#ff0000', '#0000ff', 2.15],
  ] as const) {
    const [a, b] = [readColour(one), readColour(other)];
    if (a === null || b === null) throw new Error('no colours');
    t.ok(Math.abs(contrast(a, b) - expected) < 0.01, `${one} on ${other}: ${contrast(a, b)}`);
  }
  for (const text of ['red', '#12', '#12345', '#1234567', 'rgb(1,2,3)', '#ggg', '', '#fff;'])
    t.equal(readColour(text), null);
});

const colours = fc.integer({ min: 0, max: 0xffffff }).map((value): Colour => `#${value.toString(16).padStart(6, '0')}`);

t.test('whatever colour is asked for, what is shown can be read', async (t) => {
  fc.assert(
    fc.property(colours, colours, (colour, ground) => leastOn(readableOn(colour, [ground]), [ground]) >= leastContrast),
  );
  fc.assert(
    fc.property(colours, (colour) => {
      const light = readableOn(colour, grounds.light);
      const dark = darkFrom(light);
      if (leastOn(light, grounds.light) < leastContrast || leastOn(dark, grounds.dark) < leastContrast) return false;
      const tones = [
        [light, tonesOf(light, 'light'), grounds.light],
        [dark, tonesOf(dark, 'dark'), grounds.dark],
      ] as const;
      const mail = mailColours({ light, dark });
      return (
        tones.every(
          ([accent, { deep, onAccent }, ground]) =>
            contrast(onAccent, accent) >= leastContrast &&
            contrast(onAccent, deep) >= leastContrast &&
            leastOn(deep, ground) >= leastContrast,
        ) &&
        mail.onAccent === tones[0][1].onAccent &&
        mail.darkOnAccent === tones[1][1].onAccent
      );
    }),
  );
  t.pass();
});

t.test('the grounds are those of the stylesheet', async (t) => {
  const css = readFileSync(new URL('../../templates/pages/style.css', import.meta.url), 'utf8');
  const [light = '', dark = ''] = [...css.matchAll(/:root \{[^}]*\}/g)].map(([rule]) => rule);
  const names = ['paper', 'panel', 'raised', 'material-paper', 'reducing-paper', 'danger-paper', 'quiet-paper'];
  for (const [rule, expected] of [
    [light, grounds.light],
    [dark, grounds.dark],
  ] as const) {
    t.strictSame(
      names.map((name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(rule)?.[1]),
      expected,
    );
  }
});

t.test('a wrong setting of the look is one line that names it and says what would do', async (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string, body: string | Buffer) => {
    writeFileSync(join(folder, name), body);
    return join(folder, name);
  };
  const logo = file('logo.png', aPng(200, 50));
  const cases: [string, RegExp, Record<string, string>][] = [
    ['BRAND_COLOR', /no colour; write six digits/, { BRAND_COLOR: 'red' }],
    [
      'BRAND_COLOR',
      /#ffcc00 has a contrast of 1\.\d to 1 .* nearest that has it is #[0-9a-f]{6}$/,
      { BRAND_COLOR: '#ffcc00' },
    ],
    ['BRAND_COLOR_DARK', /dark ground/, { BRAND_COLOR: '#14576b', BRAND_COLOR_DARK: '#14576b' }],
    ['BRAND_COLOR', /is missing, and BRAND_COLOR_DARK goes with it/, { BRAND_COLOR_DARK: '#8accdf' }],
    ['LOGO_FILE', /cannot be read \(ENOENT\)/, { LOGO_FILE: '/nowhere/logo.svg' }],
    ['LOGO_FILE', /no SVG, PNG or JPEG/, { LOGO_FILE: file('logo2.png', 'GIF89a') }],
    ['LOGO_FILE', /no SVG, PNG or JPEG/, { LOGO_FILE: file('page.svg', '<html><p>no picture</p></html>') }],
    ['LOGO_FILE', /no SVG, PNG or JPEG/, { LOGO_FILE: file('empty.png', aPng(0, 50)) }],
    [
      'LOGO_FILE',
      /at most 100 KiB/,
      { LOGO_FILE: file('large.png', Buffer.concat([aPng(9, 9), Buffer.alloc(110_000)])) },
    ],
    ['LOGO_DARK_FILE', /no SVG/, { LOGO_FILE: logo, LOGO_DARK_FILE: file('x.svg', '') }],
    ['LOGO_FILE', /is missing/, { LOGO_DARK_FILE: logo }],
    ['FONT_STACK', /none of its values; write classic or sans or/, { FONT_STACK: 'Comic Sans' }],
    ['FONT_FILE', /no WOFF2 font/, { FONT_FILE: logo }],
    ['FONT_FILE', /no WOFF2 font/, { FONT_FILE: file('cut.woff2', aFont().subarray(0, 50)) }],
    ['EMBED_ORIGINS', /no origin/, { EMBED_ORIGINS: 'https://www.example.org/page' }],
    ['EMBED_ORIGINS', /no origin/, { EMBED_ORIGINS: "https://a.example; script-src 'unsafe-inline'" }],
    ['EMBED_ORIGINS', /no origin/, { EMBED_ORIGINS: 'https://a.example;x' }],
    ['EMBED_ORIGINS', /no origin/, { EMBED_ORIGINS: 'https://*.example.org' }],
  ];
  for (const [name, says, env] of cases) {
    const faults = faultsOf(env);
    t.equal(faults.length, 1, name);
    t.match(faults[0], new RegExp(`^${name}: `));
    t.match(faults[0], says);
    t.notMatch(faults[0], /[\r\n]/);
  }
  const nearest = /is (#[0-9a-f]{6})$/.exec(faultsOf({ BRAND_COLOR: '#ffcc00' })[0] ?? '')?.[1] ?? '';
  t.strictSame(faultsOf({ BRAND_COLOR: nearest }), [], 'what the fault offers is taken');
});

t.test('a picture says its size, and a font whether it holds every weight', async (t) => {
  const folder = temporaryFolder(t);
  const read = (name: string, body: string | Buffer) => {
    writeFileSync(join(folder, name), body);
    return readConfig({ LOGO_FILE: join(folder, name) }).look.logo?.light;
  };
  t.match(read('a.txt', aPng(200, 50)), { type: 'image/png', width: 200, height: 50 });
  t.match(read('a.jpg', aJpeg(120, 40)), { type: 'image/jpeg', width: 120, height: 40 });
  t.match(read('a.svg', '<svg viewBox="0 0 30 10"/>'), { type: 'image/svg+xml', width: 30, height: 10 });
  for (const variable of [true, false]) {
    writeFileSync(join(folder, 'f.woff2'), aFont({ variable }));
    t.equal(readConfig({ FONT_FILE: join(folder, 'f.woff2') }).look.fonts.regular?.variable, variable);
  }
});

t.test('of an SVG only what draws is kept', async (t) => {
  const hostile = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x "y">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 20" onload="alert(1)" width="200">
<script>alert(2)</script><script href="https://evil.example/x.js"/>
<style>@import "https://evil.example/a.css";</style><style>.a{fill:url(https://evil.example/b)}</style><style>.b{fill:\\75rl(x)}</style>
<style>.c{fill:#fff} .d{fill:url(#grad)}</style>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(3)"/></body></foreignObject>
<image href="https://evil.example/p.png"/><use xlink:href="https://evil.example/s.svg#x"/><use href="#shape"/>
<a href="javascript:alert(4)"><path d="M0 0"/></a><animate attributeName="href" values="javascript:alert(5)"/><set attributeName="onclick" to="alert(6)"/>
<linearGradient id="grad"><stop offset="0" stop-color="#123456"/></linearGradient>
<path id="shape" class="c" d="M0 0h10v10z" fill="url(#grad)" style="fill:url('https://evil.example/c')" onclick="alert(7)"/>
<rect width="5" height="5" fill="expression(alert(8))"/><text>A &amp; B &lt;b&gt; "</text></svg>`;
  const svg = harmlessSvg(hostile);
  t.match(svg, { width: 200, height: 20 });
  const text = svg?.text ?? '';
  t.notMatch(text, /script|alert|evil|foreignObject|image|animate|import|javascript|onload|ENTITY|\\/i);
  t.match(text, '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="20" viewBox="0 0 100 20">');
  t.match(text, '<linearGradient id="grad"><stop offset="0" stop-color="#123456"></stop></linearGradient>');
  t.match(text, '<path id="shape" class="c" d="M0 0h10v10z" fill="url(#grad)"></path>');
  t.match(text, '<use href="#shape"></use>');
  t.match(text, '<style>.c{fill:#fff} .d{fill:url(#grad)}</style>');
  t.match(text, 'A &amp; B &lt;b>');
  t.equal(harmlessSvg('<svg width="10"/>'), null, 'it has no height');
  t.equal(harmlessSvg('no picture'), null);
});
