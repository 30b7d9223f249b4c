/** Tells errors where in a graph they happened. */
import { Cube } from '../cube/cube.ts';
import { OpenEOError, type NodePath } from '../errors.ts';

/** 'reduce1' > 'mean1' */
function showPath(path: NodePath): string {
  return path.map((node) => `'${node.node_id}'`).join(' > ');
}

/**
 * Adds the path to an openEO error that has none yet, and names the node in its message. Other errors
 * pass unchanged. Returns the error, to be thrown on.
 */
export function locate<E>(error: E, path: NodePath): E {
  if (error instanceof OpenEOError && error.path.length === 0 && path.length > 0) {
    error.path = path;
    error.message = `${error.message} (node ${showPath(path)})`;
  }
  return error;
}

/**
 * Sees to it that errors which come up later, while somebody reads the cube that a node made, have the
 * node's path too. Returns the value. A cube that a node only hands on keeps its first maker.
 */
export function located<V>(value: V, path: NodePath): V {
  if (value instanceof Cube) value.explainErrors((error) => locate(error, path));
  return value;
}
