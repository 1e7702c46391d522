// Makes the load client and the limit server from their C sources, once for each state of the sources, into a
// folder that git ignores. Needs a C compiler and says so when there is none.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

export interface Programs {
  /** The load client. */
  readonly load: string;
  /** The kernel-limit server. */
  readonly limit: string;
}

const sources = join(import.meta.dirname, '..', 'load');
export const cacheFolder: string = join(import.meta.dirname, '..', '..', '.cache', 'bench');

/** The system's C compiler, or null. */
export function findCompiler(): string | null {
  for (const name of ['cc', 'gcc', 'clang']) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' });
      return name;
    } catch {
      // Not that one.
    }
  }
  return null;
}

export function compilePrograms(): Programs {
  if (process.platform !== 'linux') {
    throw new Error('The load client needs Linux: it is made of epoll and reads /proc.');
  }
  return { load: compile('load', sources), limit: compile('limit', join(sources, 'limit')) };
}

function compile(name: string, folder: string): string {
  const files = readdirSync(folder).filter((file) => /\.[ch]$/.test(file));
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(folder, file)));
  const program = join(cacheFolder, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(program)) return program;
  const compiler = findCompiler();
  if (compiler === null) {
    throw new Error(
      'There is no C compiler (cc, gcc or clang), which the load client of the delivery benches needs. Install one, e.g. the package gcc with libc6-dev.',
    );
  }
  mkdirSync(cacheFolder, { recursive: true });
  const units = files.filter((file) => file.endsWith('.c')).map((file) => join(folder, file));
  // Under another name first: two benches may compile at once.
  const unfinished = `${program}.${process.pid}`;
  const flags = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-o', unfinished];
  execFileSync(compiler, [...flags, ...units], { stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(unfinished, program);
  return program;
}
