// Headers that every answer carries: what a page may load, and who may frame it.
// Styles may be inline (charts set sizes by style attribute); scripts may not.

import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

export function securityHeaders(isProduction: boolean): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      connectSrc: ["'self'"],
      manifestSrc: ["'self'"],
      workerSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'same-origin',
    // Only meant where HTTPS is certain: on localhost it would lock other projects out of plain HTTP.
    strictTransportSecurity: isProduction ? 'max-age=31536000; includeSubDomains' : false,
    // CORS decides who reads an answer; this would stop the sites on ORIGINS as well.
    crossOriginResourcePolicy: false,
  });
}
