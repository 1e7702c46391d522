// Public entry of @millrace/server/testing/simulation: the parts that decide, on any clock, for simulations of many clients.

export { type Admission, type Arrival, createAdmission } from '../admission.ts';
