# Two images from one file: `operator` (the operator and the worker) and `tensorrt-rtx` (the engine builder). A third,
# `nvidia-codec`, is for those who have NVIDIA's licence for its cipher (docs/external-codec.md); CODEC_BASE needs Python 3.12.
# BUILD_BASE needs Node 24 with npm, and Python 3.11 with pip; BASE needs Node 24 alone.
ARG BUILD_BASE=docker.io/library/node:24-bookworm
ARG BASE=gcr.io/distroless/nodejs24-debian12
ARG CODEC_BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BUILD_BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# No install script may run: the one of onnxruntime-node would download GPU libraries.
RUN npm ci --omit=dev --ignore-scripts \
 && arch="$(node -p process.arch)" \
 && find node_modules/onnxruntime-node/bin -mindepth 2 -maxdepth 2 -type d ! -name linux -exec rm -rf {} + \
 && find node_modules/onnxruntime-node/bin/*/linux -mindepth 1 -maxdepth 1 -type d ! -name "$arch" -exec rm -rf {} + \
 && rm -rf node_modules/@img/*musl* node_modules/onnxruntime-web \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -name '*.md' \) -delete

FROM ${BUILD_BASE} AS compiled
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY src ./src
RUN npm run --silent build

FROM ${BASE} AS operator
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY --from=compiled /app/dist ./dist
# Threads that each allocate and free tensors would leave holes in up to eight heaps a processor; one heap is no slower.
# Node would let the young generation of a long calibration grow by 30 MiB (docs/benchmarks.md).
ENV MALLOC_ARENA_MAX=1 NODE_OPTIONS=--max-semi-space-size=1
USER 65532:65532
ENTRYPOINT ["node"]
CMD ["/app/dist/operator.js"]

FROM ${CODEC_BASE} AS nvidia-codec
RUN python3 -m pip install --no-cache-dir cryptography \
 && python3 -m pip install --no-cache-dir --no-deps nvidia-eff-tao-encryption==0.1.9
COPY src/formats/crypto/external/nvidia_codec.py /usr/local/bin/nvidia_codec.py
USER 65532:65532
ENTRYPOINT ["python3", "/usr/local/bin/nvidia_codec.py"]

FROM ${BUILD_BASE} AS tensorrt
RUN python3 -m pip install --no-cache-dir --no-compile --target /opt/tensorrt tensorrt_rtx==1.7.1.116

FROM ${BASE} AS tensorrt-rtx
COPY --from=tensorrt /usr/bin/python3.11 /usr/bin/python3
COPY --from=tensorrt /usr/lib/python3.11 /usr/lib/python3.11
COPY --from=tensorrt /lib/x86_64-linux-gnu/libz.so.1 /lib/x86_64-linux-gnu/libexpat.so.1 /usr/lib/x86_64-linux-gnu/libffi.so.8 /lib/x86_64-linux-gnu/
COPY --from=tensorrt /opt/tensorrt /opt/tensorrt
COPY src/graph/builders/driver/build_engine.py /app/build_engine.py
ENV PYTHONPATH=/opt/tensorrt PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3", "/app/build_engine.py"]
