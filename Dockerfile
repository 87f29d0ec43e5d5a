# syntax=docker/dockerfile:1
# One image for every part: gateway, portal, worker, beat (`up --only …`), or all of them in one process (`up`).
#   docker build --build-arg VERSION="$(python3 manage.py version)" -t mobility .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /app
# Everything is a wheel, so there is no compiler in this stage either.
COPY requirements.txt requirements-otel.txt constraints.txt ./
RUN python -m venv /venv && /venv/bin/pip install --only-binary :all: -r requirements.txt -r requirements-otel.txt
COPY manage.py ./
COPY mobility mobility
COPY accounts accounts
COPY charging charging
COPY ocpp_gateway ocpp_gateway
COPY templates templates
COPY static static
# There is no git in an image: the version is told, and kept in a file.
ARG VERSION=0.0.0+unknown
RUN printf '%s\n' "$VERSION" > mobility/VERSION \
    && DATA_DIR=/tmp/build SECRET_KEY=only-for-collectstatic STATIC_ROOT=/app/staticfiles \
       /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /venv/bin/python -m whitenoise.compress --quiet /app/staticfiles \
    && /venv/bin/python -m compileall -q /app /venv/lib \
    && rm -rf /tmp/build

FROM python:${PYTHON}-slim-bookworm
# SQL Server needs unixodbc, `manage.py backup` of PostgreSQL needs postgresql-client: --build-arg PACKAGES="…"
ARG PACKAGES=""
RUN if [ -n "$PACKAGES" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $PACKAGES && rm -rf /var/lib/apt/lists/*; \
    fi \
    && groupadd --gid 10001 mobility && useradd --uid 10001 --gid mobility --no-create-home --home-dir /data mobility \
    && install -d -o mobility -g mobility -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BIND=0.0.0.0 DATA_DIR=/data STATIC_ROOT=/app/staticfiles LOG_FORMAT=json
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "mobility/probe.py"]
ENTRYPOINT ["python", "manage.py"]
CMD ["up"]
