import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A hundred megabytes come from Maven Central, in some 30 s where it is near. */
const DOWNLOAD_MS_MAX = 300_000;

/** Whether the program is there, and runs. */
export async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return promisify(execFile)(program, args).then(
    () => true,
    () => false,
  );
}

/** `home/name`, which `fill` puts into its working folder if it is not there. A folder that is there is whole, also for two at once. */
export async function fetchedFolder(
  home: string,
  name: string,
  fill: (staging: string, run: (program: string, args: readonly string[]) => Promise<unknown>) => Promise<void>,
): Promise<string> {
  const folder = join(home, name);
  if (existsSync(folder)) return folder;
  await mkdir(home, { recursive: true });
  const staging = await mkdtemp(join(home, 'fetch-'));
  try {
    await fill(staging, (program, args) => promisify(execFile)(program, args, { cwd: staging, timeout: DOWNLOAD_MS_MAX }));
    await rename(join(staging, name), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The folder of these jars and of all that they need, `group:artifact:version[:classifier]` each, fetched by Maven if it is not there. */
export async function mavenJars(home: string, jars: readonly string[]): Promise<string> {
  return fetchedFolder(home, 'lib', async (staging, run) => {
    await writeFile(join(staging, 'pom.xml'), pomOf(jars));
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=lib']);
  });
}

function pomOf(jars: readonly string[]): string {
  const dependencies = jars.map((coordinates) => {
    const [group = '', artifact = '', version = '', classifier] = coordinates.split(':');
    const kind = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`;
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${kind}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>thyme</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>${dependencies.join('\n    ')}</dependencies>
</project>
`;
}
