import type { S3Client } from '@aws-sdk/client-s3';
import { OnnxCamError } from '../common/errors.ts';
import { optionalPackage } from '../common/optional-package.ts';
import { networkTimeout } from './idle-watch.ts';
import { RemoteFailure } from './remote-failure.ts';

export type S3Module = typeof import('@aws-sdk/client-s3');

/** The client of the settings in the environment, and its package. */
export interface S3 {
  readonly client: S3Client;
  readonly sdk: S3Module;
}

const INSTALL = 'npm install @aws-sdk/client-s3@3 @aws-sdk/lib-storage@3';

/** Tries of a request; the SDK's own three are over within a second. */
const TRIES = 5;
/** Of AWS; other servers have none, and buckets elsewhere are followed to theirs. */
const STANDARD_REGION = 'us-east-1';

const clients = new Map<string, Promise<S3>>();

/**
 * The client for `s3://` addresses. Endpoint, region and credentials are those that AWS's tools find (environment, files, roles).
 * Servers of other makers get the bucket in the path, unless `ONNX_CAM_S3_PATH_STYLE=0` says that they want it in the host's name.
 * @throws `ERR_USAGE` without the package
 */
export function openS3(): Promise<S3> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, ONNX_CAM_S3_PATH_STYLE: style, AWS_MAX_ATTEMPTS } = process.env;
  const forcePathStyle = style ? !/^(0|false|no)$/i.test(style) : Boolean(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  const settings = {
    forcePathStyle,
    followRegionRedirects: true,
    ...(AWS_MAX_ATTEMPTS ? {} : { maxAttempts: TRIES }),
    requestHandler: { connectionTimeout: networkTimeout(), socketTimeout: networkTimeout() },
  };
  const key = JSON.stringify([settings, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]);
  const client = clients.get(key) ?? makeClient(settings);
  clients.set(key, client);
  return client;
}

async function makeClient(settings: object): Promise<S3> {
  const sdk = await s3Package(() => import('@aws-sdk/client-s3'));
  const client = new sdk.S3Client(settings);
  const region = await client.config.region().catch(() => undefined);
  return { sdk, client: region ? client : new sdk.S3Client({ ...settings, region: STANDARD_REGION }) };
}

/** A package that users install beside this one. @throws `ERR_USAGE` with the command that installs it */
export function s3Package<T>(load: () => Promise<T>): Promise<T> {
  return optionalPackage(
    load,
    (reason, cause) =>
      new OnnxCamError(
        'ERR_USAGE',
        `s3:// addresses need packages that are installed for them alone: ${INSTALL} (${reason})`,
        { cause },
      ),
  );
}

/** Fields that errors of the SDK have. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
const REFUSED_CREDENTIALS = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'RequestTimeTooSkewed',
];
const UNREACHABLE = ['ENOTFOUND', 'ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'];

/** What an error of the SDK means for who asked for something in a bucket. What may pass was tried again by the SDK. */
export function s3Failure(error: unknown, bucket: string): unknown {
  if (error instanceof OnnxCamError || error instanceof RemoteFailure) return error;
  const { name = '', message = '', code = '', $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const failure = (kind: RemoteFailure['kind'], text: string) => new RemoteFailure(kind, text, { cause: error });
  if (name === 'NoSuchBucket') return failure('other', `there is no bucket "${bucket}"; make it, or correct its name`);
  if (CREDENTIALS.includes(name))
    return failure(
      'refused',
      'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role',
    );
  if (REFUSED_CREDENTIALS.includes(name)) return failure('refused', `the credentials are not accepted (${name})`);
  if (status === 404) return failure('missing', 'there is nothing there (404)');
  if (status === 401 || status === 403)
    return failure(
      'refused',
      `no permission (${status}): the credentials need s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket for bucket "${bucket}"`,
    );
  if (status === 301 || name === 'PermanentRedirect')
    return failure('other', `bucket "${bucket}" is in another region; set AWS_REGION`);
  if (UNREACHABLE.includes(code) || name === 'TimeoutError')
    return failure('other', `the server cannot be reached, or is silent (${code || name}); see AWS_ENDPOINT_URL`);
  const answer = [name, status, message.split('\n')[0]!.slice(0, 200)].filter(Boolean).join(' ');
  return failure('other', `the server answers ${answer}`);
}
