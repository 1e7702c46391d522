// Who does what only one node does: see lease/lease.ts.

export const LEASES = `
  create table desk.leases (
    name text primary key,
    owner text not null,
    -- One higher with each holding.
    fence bigint not null,
    expires_at timestamptz not null
  );
`;
