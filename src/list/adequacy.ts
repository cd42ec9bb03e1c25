/*
 * PURE. Where personal data may go without a transfer mechanism: the EEA, and countries with an adequacy
 * decision of the Commission that holds for every recipient there (GDPR Art. 45). Data, checked by hand:
 * decisions are made, renewed and annulled.
 */

/** The day on which the decisions below were last compared with those in force. */
export const adequacyCheckedOn = '2026-05-06';

/** Member states, the parts of them that have a code of their own and where the GDPR holds, and the EEA. */
const eea =
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO EU ' +
  'AX GF GP MF MQ RE YT';

/** By country, the decision. */
const decisions: Readonly<Record<string, string>> = {
  AD: '2010/625/EU',
  AR: '2003/490/EC',
  BR: '(EU) 2026/179',
  // Commercial organisations, which vendors are.
  CA: '2002/2/EC',
  CH: '2000/518/EC',
  FO: '2010/146/EU',
  GB: '(EU) 2021/1772',
  GG: '2003/821/EC',
  IL: '2011/61/EU',
  IM: '2004/411/EC',
  JE: '2008/393/EC',
  JP: '(EU) 2019/419',
  KR: '(EU) 2022/254',
  NZ: '2013/65/EU',
  UY: '2012/484/EU',
};
// Not the USA: (EU) 2023/1795 holds only for who takes part in the Data Privacy Framework, so it has to be stated.

const free: ReadonlySet<string> = new Set([...eea.split(' '), ...Object.keys(decisions)]);

/** Whether data that goes to a country (ISO 3166-1, or EU) needs a transfer mechanism. */
export function needsMechanism(country: string): boolean {
  return !free.has(country);
}
