// Public entry of @millrace/server/testing/admission: what lets links in, on any clock: for simulations of many clients.

export { type Admission, type Arrival, createAdmission } from '../admission.ts';
