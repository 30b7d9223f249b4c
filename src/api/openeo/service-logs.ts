/** GET /services/{service_id}/logs. */
import type { Request, Response } from 'express';
import { logLevelOf } from '../../services/service.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';
import { sendLog } from './logs.ts';
import { partsOf } from './services.ts';

export async function debugService(context: Context, request: Request, response: Response): Promise<void> {
  const { store, logs } = partsOf(context);
  const service = await store.get(context.userId, pathVariable(request, 'service_id'));
  await sendLog(request, response, {
    operation: 'GET /services/{service_id}/logs', here: `${context.url(request)}/services/${service.id}/logs`, stored: logLevelOf(service), list: (page) => logs.list(service.id, page),
  });
}
