// Questions as the analyst reads them: lower case, without signs, mistyped words set right. Pure.
//
// A word that it does not know and that is one slip away from one that it does (two for seven letters and more) is
// taken for that. Short words are left alone: too many of them are near each other.

const KNOWN: ReadonlySet<string> = new Set(
  `about above accept accepted account action actions active activity afternoon after again agent agents all analysis analyst
  analyze anything average avoid average bad balance before begin best better biggest bigger bought broke buy buying buys
  cash chart closed closing command commands commission commissions compare compared comparison concentrated consecutive
  cost costs could current daily danger dangerous day days decide decision decisions deepest did difference direction
  dangerous doing dollars down drawdown drawdowns drop dropped during duration earn earned earning entries entry equity
  exactly example examples exits expectancy expensive explain exposed exposure factor fall fees fell fill fills figures first follow
  forecast gain gained gains going good great green happen happened have hello help helped holding holdings holds hour hours
  hourly how improve improved improvement instrument instruments invested invest investment largest last latest least less
  list long longest lose loser losers loses losing loss losses lost made make makes making market maximum mean means metrics
  mistake mistakes model models money month more morning most move never night much negative newest next number obey open opened opening
  orders order other others overview owned owns peak pattern patterns perform performance performed performing picked
  portfolio position positions positive predict prevent prevented previous price problem profit profitable profits rate
  ratio ratios reason reasoning reasons recent recently recommend recovered red reduce report result results return returns
  risk riskiest risks risky rule rules runs safe saved sell selling sells session sharpe shares short should show side
  since size smallest sold some sortino stand statistics stats status stock stocks stop stopped strategy streak streaks
  strength suggest suggestion suggestions summarise summarize summary symbol symbols tell terrible than thank thanks that
  their them then there these they thing this ticker tickers time times today together tomorrow trade traded trades trading
  tried trough under underwater understand unrealised unrealized value volatile volatility weakness week well went were what
  when where which while will win winner winners winning wins without won work worked working worst worse would wrong year
  yesterday your`.split(/\s+/),
);

export interface Spelled {
  /** Words with single spaces between them, and around. */
  readonly text: string;
  readonly words: readonly string[];
}

export function spell(question: string): Spelled {
  const words = question
    .slice(0, 2_000)
    .toLowerCase()
    .replace(/[’']s\b/g, ' is')
    .replace(/n[’']t\b/g, ' not')
    .replace(/p\s*&\s*l|p\/l\b/g, 'pnl')
    .split(/[^a-z0-9#$%:.-]+|\.(?!\d)|-(?!\d)|:(?!\d)/)
    .filter((word) => word !== '')
    .map(corrected);
  return { text: ` ${words.join(' ')} `, words };
}

export function isKnown(word: string): boolean {
  return KNOWN.has(word);
}

function corrected(word: string): string {
  if (word.length < 4 || KNOWN.has(word) || !/^[a-z]+$/.test(word)) return word;
  // Its plural and other endings are words, too.
  if (KNOWN.has(word.replace(/(s|es|ed|ing)$/, '')) || KNOWN.has(`${word}s`)) return word;
  const allowed = word.length >= 7 ? 2 : 1;
  for (let slips = 1; slips <= allowed; slips += 1) {
    const near = [...KNOWN].filter(
      (known) =>
        known.length >= 4 &&
        // A word that begins otherwise is another word: nobody asks of a "town" and means "down".
        known[0] === word[0] &&
        // Words of four letters that differ in one are too many: only a letter left out, or swapped, is a slip there.
        (word.length > 4 || known.length > word.length || sorted(known) === sorted(word)) &&
        Math.abs(known.length - word.length) <= slips &&
        distance(word, known) === slips,
    );
    if (near[0] !== undefined) return near[0];
  }
  return word;
}

function sorted(word: string): string {
  return word.split('').toSorted().join('');
}

/** Letters added, left out, changed or swapped with their neighbour (optimal string alignment). */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, n) => n);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      const isSwapped =
        i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}
