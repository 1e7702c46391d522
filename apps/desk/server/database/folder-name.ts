// Where in the data folder the embedded database keeps its files, and the folder's lock beside it.
// The lock is outside the database's own folder: PostgreSQL refuses to initialise a folder that is not empty.

import { join } from 'node:path';

export const databaseFolder = (dataFolder: string): string => join(dataFolder, 'pg');
export const lockFile = (dataFolder: string): string => join(dataFolder, 'desk.lock');
