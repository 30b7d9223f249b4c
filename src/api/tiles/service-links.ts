/** Where the map of a service is: paths below the URL of the whole deployment. */
import { readConfiguration, tileFormat } from '../../services/configuration.ts';
import type { Service, ServiceDefinition } from '../../services/service.ts';

/** Maps of services are below this one. */
export const servicesPath = '/services';

export interface ServiceUrls {
  /** With {z}, {x} and {y}. */
  readonly xyz: string;
  readonly tileJson: string;
  /** Without a query. */
  readonly wmts: string;
}

/** The URLs of a map, for its owner. That of a service which is not public has its key in it: map clients send no tokens. */
export function serviceUrls(service: Pick<Service, 'id' | 'key' | 'definition'>, base: string): ServiceUrls {
  const { visibility } = readConfiguration(service.definition.configuration);
  return urlsAt(visibility === 'public' ? service.id : `${service.id}.${service.key}`, service.definition, base);
}

/** The URLs of a map for who knows it by this address: nobody learns the key who came without it. */
export function urlsAt(address: string, definition: ServiceDefinition, base: string): ServiceUrls {
  const here = `${base}${servicesPath}/${encodeURIComponent(address)}`;
  return { xyz: `${here}/tiles/{z}/{x}/{y}.${tileFormat(definition) === 'jpeg' ? 'jpg' : 'png'}`, tileJson: `${here}/tilejson.json`, wmts: `${here}/wmts` };
}

/** The URL that is the service, by its type. */
export function serviceUrl(service: Service, base: string): string {
  const { xyz, tileJson, wmts } = serviceUrls(service, base);
  return { XYZ: xyz, TileJSON: tileJson, WMTS: wmts }[service.type];
}
