// `npm run doctor`: checks any deployment, prints what it sees, exits with 1 when something fails.

import { MillraceError } from '@millrace/protocol';
import { examine, summarize } from './examine.ts';
import { type DoctorOptions, readDoctorOptions, USAGE } from './options.ts';

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(USAGE);
    return 0;
  }
  const options = parse(args);
  if (options === null) return 2;
  console.log(`Checking ${options.url}`);
  const outcomes = await examine({ options, say: (line) => console.log(line) });
  console.log(`\n${summarize(outcomes)}`);
  return outcomes.some(({ outcome }) => outcome.result === 'FAIL') ? 1 : 0;
}

function parse(args: readonly string[]): DoctorOptions | null {
  try {
    return readDoctorOptions(args, process.env['PORT']);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    console.error(error.message);
    return null;
  }
}

process.exitCode = await main(process.argv.slice(2));
