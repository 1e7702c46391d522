// What a check is: a name and a function from a workspace's root to what is wrong there.
// Checks read files and nothing else, so a test can point one at a folder made for it.

/** One thing that is wrong, said so that the reader learns what to do instead. */
export interface Finding {
  readonly file: string;
  /** 1-based; absent where the finding is about the whole file. */
  readonly line?: number;
  readonly message: string;
}

export interface Check {
  /** Shown as the step's name. */
  readonly name: string;
  readonly run: (root: string) => readonly Finding[] | Promise<readonly Finding[]>;
}

/** `file:line message`, the form that editors and terminals make clickable. */
export function formatFinding({ file, line, message }: Finding): string {
  return `${line === undefined ? file : `${file}:${line}`}  ${message}`;
}

/** Runs a check from the command line: prints what it found, sets the exit code. */
export async function runFromShell(check: Check): Promise<void> {
  const findings = await check.run(process.cwd());
  for (const finding of findings) console.log(formatFinding(finding));
  console.log(`${check.name}: ${findings.length === 0 ? 'fine' : `${findings.length} found`}`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
