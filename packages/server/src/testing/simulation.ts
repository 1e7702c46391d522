// Public entry of @millrace/server/testing/simulation: links without a carrier, and what lets them in, on any clock.

export { type Admission, type Arrival, createAdmission } from '../admission.ts';
export { connectFrame, type MemoryLink, openMemoryLink } from './memory-link.ts';
