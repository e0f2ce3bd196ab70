# One image for CPU and GPU: torch's Linux wheel carries CUDA and runs without a GPU. See docs/docker.md.
FROM python:3.11-slim AS dependencies
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# The layer with torch comes first: only another lock makes it anew.
COPY requirements.lock /app/
RUN pip install --no-cache-dir --require-hashes --requirement /app/requirements.lock

# With the locked setuptools, so that nothing is installed that the lock doesn't name.
FROM dependencies AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE sambench.py ./
COPY bench bench
COPY cluster cluster
COPY sweeps sweeps
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels .

FROM dependencies
# Any user may write to these three, so that `--user` works with a fresh volume.
RUN useradd --uid 1000 --home-dir /tmp --no-create-home sambench \
    && install --directory --owner sambench --mode 1777 /data /store /app/out
COPY --from=build /src/wheels /app/wheels
RUN pip install --no-cache-dir --no-index --no-deps /app/wheels/*.whl
WORKDIR /app
COPY sweeps sweeps

USER sambench
# Libraries ask for a home and a name; a number given to `--user` has neither.
ENV HOME=/tmp USER=sambench SAMBENCH_STORE=/store SAMBENCH_DATA=/data
# Last, so that a new commit makes no layer anew: `--build-arg GIT_COMMIT=$(git rev-parse HEAD)`.
ARG GIT_COMMIT
ENV SAMBENCH_COMMIT=$GIT_COMMIT
VOLUME ["/data", "/store"]
# Rarely, because it takes processor time from the trials.
HEALTHCHECK --interval=5m --timeout=1m CMD ["sambench", "doctor"]
ENTRYPOINT ["sambench"]
CMD ["--help"]
