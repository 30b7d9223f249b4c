/** Where the map of a service is: paths below the URL of the whole deployment. */
import { readConfiguration, tileFormat } from '../../services/configuration.ts';
import type { Service } from '../../services/service.ts';

/** Maps of services are below this one. */
export const servicesPath = '/services';

export interface ServiceUrls {
  /** With {z}, {x} and {y}. */
  readonly xyz: string;
  readonly tileJson: string;
  /** Without a query. */
  readonly wmts: string;
}

/** The URLs of a map. That of a service which is not public has its key in it: map clients send no tokens. */
export function serviceUrls(service: Pick<Service, 'id' | 'key' | 'definition'>, base: string): ServiceUrls {
  const { visibility } = readConfiguration(service.definition.configuration);
  const address = `${base}${servicesPath}/${service.id}${visibility === 'public' ? '' : `.${service.key}`}`;
  return { xyz: `${address}/tiles/{z}/{x}/{y}.${tileFormat(service.definition) === 'jpeg' ? 'jpg' : 'png'}`, tileJson: `${address}/tilejson.json`, wmts: `${address}/wmts` };
}

/** The URL that is the service, by its type. */
export function serviceUrl(service: Service, base: string): string {
  const { xyz, tileJson, wmts } = serviceUrls(service, base);
  return { XYZ: xyz, TileJSON: tileJson, WMTS: wmts }[service.type];
}
