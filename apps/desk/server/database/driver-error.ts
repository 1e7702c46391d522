// A driver's error across threads: a structured clone of an Error drops its own fields, and with them the SQLSTATE.

/** As the drivers of PostgreSQL name them. */
const FIELDS = [
  ...['code', 'severity', 'detail', 'hint', 'position', 'where'],
  ...['schema', 'table', 'column', 'dataType', 'constraint', 'routine'],
];

export interface DriverErrorFields {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

export function readDriverError(thrown: unknown): DriverErrorFields {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown), fields: {} };
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(thrown)) {
    if (FIELDS.includes(name) && typeof value === 'string') fields[name] = value;
  }
  // PGlite calls each error of the database plainly "error".
  const name = thrown.name === 'error' ? 'DatabaseError' : thrown.name;
  return { name, message: thrown.message, fields };
}

export function makeDriverError({ name, message, fields }: DriverErrorFields): Error {
  return Object.assign(new Error(message), { name }, fields);
}
