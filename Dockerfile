# One image for CPU and GPU: torch's Linux wheel carries CUDA and runs without a GPU. See docs/docker.md.
FROM python:3.11-slim AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*project['dependencies'], sep='\n')" > requirements.txt
COPY sambench.py ./
COPY bench bench
COPY cluster cluster
COPY sweeps sweeps
RUN pip wheel --no-cache-dir --no-deps --wheel-dir wheels .

FROM python:3.11-slim
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# The layer with torch comes first: only another list of dependencies makes it anew, since a copy between stages is
# compared by its content.
COPY --from=build /src/requirements.txt /app/
RUN pip install --no-cache-dir --requirement /app/requirements.txt

# Any user may write to these three, so that `--user` works with a fresh volume.
RUN useradd --uid 1000 --home-dir /tmp --no-create-home sambench \
    && install --directory --owner sambench --mode 1777 /data /store /app/out
COPY --from=build /src/wheels /app/wheels
RUN pip install --no-cache-dir --no-deps /app/wheels/*.whl
WORKDIR /app
COPY sweeps sweeps

USER sambench
# Libraries ask for a home and a name; a number given to `--user` has neither.
ENV HOME=/tmp USER=sambench SAMBENCH_STORE=/store SAMBENCH_DATA=/data
VOLUME ["/data", "/store"]
# Rarely, because it takes processor time from the trials.
HEALTHCHECK --interval=5m --timeout=1m CMD ["sambench", "doctor"]
ENTRYPOINT ["sambench"]
CMD ["--help"]
