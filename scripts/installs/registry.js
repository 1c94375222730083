import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * A registry that has one package, from its tarball, and sends clients to another registry for all others: package managers
 * install it by its name, as users will.
 * @param {Buffer} tarball
 * @param {object} manifest the package.json inside
 * @param {string} upstream address of the other registry
 * @returns {Promise<{ url: string, close(): void }>}
 */
export async function serveRegistry(tarball, manifest, upstream) {
  const { name, version } = manifest;
  const server = createServer((request, response) => {
    if (request.url === `/${name}/-/${name}-${version}.tgz`) return response.end(tarball);
    if (request.url === `/${name}`) {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify(document()));
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(404).end();
    response.writeHead(302, { location: upstream.replace(/\/$/, '') + request.url }).end();
  });
  const published = '2025-01-01T00:00:00.000Z'; // Some managers refuse what is younger than some days.
  const document = () => ({
    name,
    'dist-tags': { latest: version },
    time: { created: published, modified: published, [version]: published },
    versions: {
      [version]: {
        ...manifest,
        _id: `${name}@${version}`,
        dist: {
          tarball: `${url}/${name}/-/${name}-${version}.tgz`,
          shasum: createHash('sha1').update(tarball).digest('hex'),
          integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
        },
      },
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, close: () => server.close() };
}
