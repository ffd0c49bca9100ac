# syntax=docker/dockerfile:1
# One image for web, worker, sender and commands; see compose.yaml. It holds no secret and keeps no state: give it DATABASE_URL,
# SECRET_KEY, LINK_SECRETS, SECRET_PEPPER and BASE_URL.

FROM python:3.13-slim AS build
WORKDIR /srv/heed
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/heed
COPY requirements/base.txt requirements/base.txt
RUN /opt/heed/bin/pip install --require-hashes --only-binary :all: -r requirements/base.txt
COPY . .
# Static files are made here, so that containers may be read-only. The values only satisfy the settings: nothing is
# connected to, and nothing of them stays.
RUN HEED_STATE=/srv/heed/state BASE_URL=https://build.invalid DATABASE_URL=postgresql://build@localhost/build \
    SECRET_KEY=build LINK_SECRETS=1:build SECRET_PEPPER=build \
    /opt/heed/bin/python manage.py collectstatic --noinput -v 0 \
    && /opt/heed/bin/python -m compileall -q config lists optout reporting

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /srv/heed heed
WORKDIR /srv/heed
COPY --from=build /opt/heed /opt/heed
COPY --from=build /srv/heed /srv/heed
ENV PATH=/opt/heed/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    HEED_STATE=/srv/heed/state
USER heed
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
CMD ["gunicorn", "-c", "python:config.gunicorn", "--bind", "0.0.0.0:8000"]
