// nginx in front of a server, with the buffering that it has by default. A process and a folder of its own; never the
// system's instance.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, tempFolder, until } from './wait.ts';

export interface Nginx extends AsyncDisposable {
  readonly url: string;
}

/** HTTP/1.1 to the server, so that a broken answer can be told from a whole one; upgrades pass. */
function configOf(folder: string, port: number, upstreamPort: number): string {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log ${folder}/errors;
events {}
http {
  access_log off;
  ${paths.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  map $http_upgrade $connection_header { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${upstreamPort};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
    }
  }
}
`;
}

export async function startNginx(upstreamPort: number): Promise<Nginx> {
  const folder = await tempFolder();
  const port = await freePort();
  const file = join(folder.path, 'nginx.conf');
  await writeFile(file, configOf(folder.path, port, upstreamPort));
  const program = process.env['NGINX_PATH'] ?? '/usr/sbin/nginx';
  const child = spawn(program, ['-p', folder.path, '-c', file], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  // Rejects where there is none to start.
  await once(child, 'spawn');
  await until(() => isListening(port), { label: 'nginx to listen' });
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      process.off('exit', endWithUs);
      child.kill('SIGKILL');
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Not yet.
    return false;
  } finally {
    socket.destroy();
  }
}
