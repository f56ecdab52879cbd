"""What a service in the test's own process needs: its settings, on real servers."""

from typing import Any, TypeVar

from phoenix_runtime.chassis.settings import ServiceSettings
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from tests.support.builders.keys import Keys

S = TypeVar("S", bound=ServiceSettings)


def service_settings(
    kind: type[S], service: str, *, urls: DatabaseUrls, redis_url: str, keys: Keys, **more: Any
) -> S:
    """The settings of ``service`` on loopback and a free port; ``more`` sets further fields.

    settings = service_settings(RegistrySettings, "registry", urls=await postgres.urls("registry"),
                                redis_url=valkey, keys=keys)
    async with Listening(await build(settings)) as listening: ...
    """
    return kind(
        **keys.settings(service),
        database_url=urls.application,
        worker_database_url=urls.worker,
        migration_database_url=urls.owner,
        redis_url=redis_url,
        **more,
    )
