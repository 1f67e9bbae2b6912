# Builds two images: `operator` (the operator and the worker) and `tensorrt-rtx` (the engine builder). Two more targets have bases of
# NVIDIA: `nvidia-codec` requires the licence of its cipher (docs/external-codec.md); CODEC_BASE needs Python 3.12. `tensorrt-classic` is a
# builder of classic TensorRT (docs/tensorrt.md); TENSORRT_BASE needs Python 3.8 or later with the module tensorrt.
# BUILD_BASE needs Node.js 24 with npm in /usr/local, and Python 3.11 with pip. BASE needs only the C++ runtime: Node.js is
# copied, because base images have it in different places (distroless has it outside PATH).
# The bases have no default that exists, because a tag can move; Docker needs a name for each, also for a target that does not use it.
# Name each by digest: docker.io/library/node:24-bookworm@sha256:…, gcr.io/distroless/cc-debian12@sha256:… and
# docker.io/library/python:3.12-slim-bookworm@sha256:…, for example. Images of localhost/ are local builds, which need no digest.
ARG BUILD_BASE=localhost/build-arg-missing:build_base
ARG BASE=localhost/build-arg-missing:base
ARG CODEC_BASE=localhost/build-arg-missing:codec_base
ARG TENSORRT_BASE=localhost/build-arg-missing:tensorrt_base

FROM ${BASE} AS base

# Each image copies from this stage, so that none is built on a tag.
FROM ${BUILD_BASE} AS pinned
ARG BUILD_BASE
ARG BASE
RUN for base in "$BUILD_BASE" "$BASE"; do \
      printf '%s' "$base" | grep -Eq '^localhost/|@sha256:[0-9a-f]{64}$' \
        || { echo "$base: give BUILD_BASE and BASE by digest (@sha256:…)"; exit 1; }; \
    done
# For the list of its packages.
COPY --from=base / /base

FROM pinned AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Install scripts are disabled: that of onnxruntime-node would download GPU libraries.
RUN npm ci --omit=dev --ignore-scripts \
 && arch="$(node -p process.arch)" \
 && find node_modules/onnxruntime-node/bin -mindepth 2 -maxdepth 2 -type d ! -name linux -exec rm -rf {} + \
 && find node_modules/onnxruntime-node/bin/*/linux -mindepth 1 -maxdepth 1 -type d ! -name "$arch" -exec rm -rf {} + \
 && rm -rf node_modules/@img/*musl* node_modules/onnxruntime-web node_modules/bare-*/prebuilds \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete
# Text files are kept, because some packages have their licence only in a README.
COPY src/sbom.ts src/licences.ts ./src/
COPY src/supply ./src/supply
RUN node src/sbom.ts --node --npm --installed --base /base > sbom.cdx.json && node src/licences.ts sbom.cdx.json > licences.txt

FROM ${BUILD_BASE} AS compiled
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json LICENSE ./
COPY src ./src
# The modes of files in a checkout depend on its umask.
RUN npm run --silent build && chmod -R u=rwX,go=rX dist package.json LICENSE
# An image without `env` cannot run the first line of the compiled tools.
RUN for tool in tlt-converter tlt-export tlt-int8-tensorfile tlt-model; do \
      printf '#!/usr/local/bin/node\nimport "/app/dist/%s.js";\n' "$tool" > "/opt/$tool" && chmod 755 "/opt/$tool"; \
    done

FROM ${BASE} AS operator
WORKDIR /app
COPY --from=compiled /usr/local/bin/node /usr/local/bin/node
COPY --from=compiled /usr/local/LICENSE /usr/share/doc/node/copyright
COPY --from=compiled /opt/tlt-converter /opt/tlt-export /opt/tlt-int8-tensorfile /opt/tlt-model /usr/local/bin/
COPY --from=packages /app/node_modules ./node_modules
COPY --from=compiled /app/package.json /app/LICENSE ./
COPY --from=compiled /app/dist ./dist
COPY --from=packages /app/sbom.cdx.json /app/licences.txt ./
# Threads that allocate and free tensors would fragment up to eight heaps per processor; one heap is not slower.
# Node.js would let the young generation grow by 30 MiB in a long calibration (docs/benchmarks.md).
ENV MALLOC_ARENA_MAX=1 NODE_OPTIONS=--max-semi-space-size=1
USER 65532:65532
# No entry point, so that `docker run IMAGE tlt-export …` runs a tool by its name.
ENTRYPOINT []
CMD ["node", "/app/dist/operator.js"]

FROM ${CODEC_BASE} AS nvidia-codec
ARG CODEC_BASE
RUN printf '%s' "$CODEC_BASE" | grep -Eq '^localhost/|@sha256:[0-9a-f]{64}$' \
 || { echo "$CODEC_BASE: give CODEC_BASE by digest (@sha256:…)"; exit 1; }
COPY requirements ./requirements
RUN python3 -m pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/nvidia-codec.txt
COPY --chmod=644 src/formats/crypto/external/nvidia_codec.py /usr/local/bin/nvidia_codec.py
USER 65532:65532
ENTRYPOINT ["python3", "/usr/local/bin/nvidia_codec.py"]

FROM ${TENSORRT_BASE} AS tensorrt-classic
ARG TENSORRT_BASE
RUN printf '%s' "$TENSORRT_BASE" | grep -Eq '^localhost/|@sha256:[0-9a-f]{64}$' \
 || { echo "$TENSORRT_BASE: give TENSORRT_BASE by digest (@sha256:…)"; exit 1; }
# Looked for and not imported, because the build has no GPU.
RUN python3 -c 'import importlib.util, sys; assert sys.version_info >= (3, 8) and importlib.util.find_spec("tensorrt")'
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3"]

FROM pinned AS tensorrt
COPY requirements ./requirements
# Source packages are built with the packages of build.txt, which pip would otherwise download without a hash.
RUN python3 -m venv /opt/builder \
 && /opt/builder/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/build.txt \
 && /opt/builder/bin/pip install --no-cache-dir --no-compile --no-deps --no-build-isolation --require-hashes \
      --target /opt/tensorrt --requirement requirements/tensorrt-rtx.txt
# Compiled without the times of the sources, which are fixed in the image: Python would compile them again in every pod.
RUN python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3.11 /opt/tensorrt
COPY src/sbom.ts src/licences.ts ./src/
COPY src/supply ./src/supply
RUN node src/sbom.ts --python requirements/tensorrt-rtx.txt --debian --base /base > /opt/sbom.cdx.json \
 && node src/licences.ts /opt/sbom.cdx.json > /opt/licences.txt

FROM ${BASE} AS tensorrt-rtx
COPY --from=tensorrt /usr/bin/python3.11 /usr/bin/python3
COPY --from=tensorrt /usr/lib/python3.11 /usr/lib/python3.11
COPY --from=tensorrt /lib/x86_64-linux-gnu/libz.so.1 /lib/x86_64-linux-gnu/libexpat.so.1 /usr/lib/x86_64-linux-gnu/libffi.so.8 /lib/x86_64-linux-gnu/
COPY --from=tensorrt /opt/tensorrt /opt/tensorrt
COPY --from=tensorrt /opt/sbom.cdx.json /opt/licences.txt /app/
COPY --from=tensorrt /usr/share/doc/python3.11/copyright /usr/share/doc/python3.11/copyright
ENV PYTHONPATH=/opt/tensorrt PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3"]
