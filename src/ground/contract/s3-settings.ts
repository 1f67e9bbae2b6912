/** How a pod or a tool reaches object storage. Public: it has no credentials. */
export type S3Settings = {
  /** URL of the server; undefined for AWS. */
  readonly endpoint?: string;
  readonly region: string;
  /** Whether the bucket is in the path of requests, and not in the host name. */
  readonly pathStyle: boolean;
  /**
   * `Files`: from the files of a mounted Secret. `Environment`: as AWS's SDKs find them, for example by the token of a
   * workload identity.
   */
  readonly credentials: 'Files' | 'Environment';
  /** Whether a file of certificate authorities is mounted. */
  readonly hasAuthority?: true;
  /** Disk space for objects that must be whole on disk. */
  readonly scratchBytes: number;
};

/** Keys of the Secret, by the names that AWS's tools and the claims for buckets of Rook use. */
export const credentialFiles = {
  accessKeyId: 'AWS_ACCESS_KEY_ID',
  secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
  sessionToken: 'AWS_SESSION_TOKEN',
} as const;

/** Path style is what servers other than AWS expect, because their certificates have no names of buckets. */
export const defaultPathStyle = (endpoint: string | undefined): boolean => endpoint !== undefined;

/** The region of requests to servers that have no regions. */
export const defaultRegion = 'us-east-1';
