# syntax=docker/dockerfile:1

# Compiles src/ to dist/. The optional packages are wanted here: the compiler itself is one of them.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

# What the service needs to run, and nothing to build it with: no TypeScript, and no embedded
# PostgreSQL, since a container has a DATABASE_URL.
FROM node:20-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:20-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="subnotice" \
      org.opencontainers.image.description="Sub-processor change-notification service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.licenses="LicenseRef-UNLICENSED"
# HOME, as the user below is in no passwd file and the mail templates' compiler asks for a home.
ENV NODE_ENV=production \
    HOME=/app \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY sql ./sql
COPY templates ./templates
# DATA_DIR is written only while SMTP_URL is unset (the built-in mailbox); with it the root file system
# may be read-only.
RUN mkdir /data && chown 10001:10001 /data
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 3000
# PORT may be changed by whoever runs it. There is no curl in this image.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# node is process 1 and handles SIGTERM itself: requests and mails in hand are finished, leases given back.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/main.js"]
CMD ["serve"]
