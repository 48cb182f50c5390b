# docker build -t medalopt . && docker run --rm --network none -v "$PWD/instances:/work" medalopt solve tiny.yaml
# For a release, replace both tags by the digest of the image: docs/releasing.md.
FROM python:3.13-slim AS build
WORKDIR /source
COPY requirements/install.txt requirements/install.txt
RUN python -m venv /opt/medalopt && \
    /opt/medalopt/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/install.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY instances instances
RUN /opt/medalopt/bin/pip install --no-index --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 1000 --create-home medalopt
COPY --from=build /opt/medalopt /opt/medalopt
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["/opt/medalopt/bin/medalopt"]
CMD ["--help"]
