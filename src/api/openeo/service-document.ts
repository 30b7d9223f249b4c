/** Services as the API describes them. */
import { readConfiguration, tileFormat } from '../../services/configuration.ts';
import { logLevelOf, type Service } from '../../services/service.ts';
import type { MapFacts } from '../../services/task.ts';
import type { Billing } from '../../jobs/billing.ts';
import { serviceCosts, usageOf } from '../tiles/service-costs.ts';
import { serviceUrl, serviceUrls } from '../tiles/service-links.ts';

/** As GET /services lists it: without objects, which can be large. */
export function summary(service: Service, base: string, billing: Billing | undefined): Record<string, unknown> {
  const { id, type, enabled, created, definition: { title, description, plan, budget } } = service;
  return {
    id,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    url: serviceUrl(service, base),
    type,
    enabled,
    created,
    ...(plan === undefined ? {} : { plan }),
    costs: serviceCosts(service, billing),
    ...(budget === undefined ? {} : { budget }),
  };
}

/**
 * As GET /services/{service_id} describes it.
 *
 * @param facts null: nothing is known of what the process makes now
 */
export function describe(service: Service, facts: MapFacts | null, { base, api, billing }: { readonly base: string; readonly api: string; readonly billing: Billing | undefined }): Record<string, unknown> {
  const { definition, id } = service;
  const { xyz, tileJson, wmts } = serviceUrls(service, base);
  const mediaType = tileFormat(definition) === 'jpeg' ? 'image/jpeg' : 'image/png';
  return {
    // What the client sent comes first: it can't hide what the service knows.
    ...definition,
    ...summary(service, base, billing),
    process: definition.process,
    configuration: definition.configuration ?? {},
    attributes: attributesOf(service, facts, mediaType),
    log_level: logLevelOf(service),
    usage: usageOf(service),
    links: [
      { rel: 'xyz', href: xyz, type: mediaType, title: 'XYZ tiles' },
      { rel: 'tilejson', href: tileJson, type: 'application/json', title: 'TileJSON' },
      { rel: 'wmts', href: wmts, type: mediaType, title: 'WMTS', 'wmts:layer': id },
      { rel: 'monitor', href: `${api}/services/${id}/logs`, type: 'application/json', title: 'Log' },
    ],
  };
}

function attributesOf({ id, definition, range }: Service, facts: MapFacts | null, mediaType: string): Record<string, unknown> {
  const { visibility, tileSize, minZoom, maxZoom } = readConfiguration(definition.configuration);
  return {
    layers: [id],
    visibility,
    format: mediaType,
    tile_size: tileSize,
    ...(range && { range }),
    minzoom: minZoom,
    maxzoom: maxZoom,
    tile_matrix_sets: ['EPSG:3857', 'WorldCRS84Quad'],
    ...(facts && { bounds: facts.bounds, bands: facts.bands, ...(facts.days.length > 0 && { dimensions: { time: facts.days } }) }),
  };
}
