import { type SourceSettings, textParameter } from '../source-settings.js';
import { CATALOG_GLUE } from './file-reach.js';
import { openGlueCatalog } from './glue-catalog.js';
import type { TableCatalog } from './loaded-table.js';
import { isMetadataPath, openMetadataPath } from './metadata-path.js';
import { openRestCatalog } from './rest-catalog.js';

/** By the parameter `catalog`: `glue`, the address of a REST catalog, or the place of the metadata itself. */
export function openCatalog(settings: SourceSettings): Promise<TableCatalog> {
  const catalog = textParameter(settings, 'catalog');
  if (catalog === CATALOG_GLUE) return openGlueCatalog(settings);
  return isMetadataPath(catalog) ? Promise.resolve(openMetadataPath(catalog, settings)) : openRestCatalog(catalog, settings);
}
