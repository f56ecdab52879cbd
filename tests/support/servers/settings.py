"""What a service in the test's own process needs: its settings, on real servers."""

from datetime import timedelta
from typing import Any, TypeVar

from phoenix_runtime.chassis.settings import ServiceSettings
from phoenix_runtime.local.postgres.databases import DatabaseUrls
from tests.support.builders.keys import Keys
from tests.support.waiting.until import PATIENCE

S = TypeVar("S", bound=ServiceSettings)


def service_settings(
    kind: type[S], service: str, *, urls: DatabaseUrls, redis_url: str, keys: Keys, **more: Any
) -> S:
    """The settings of ``service`` on loopback and a free port; ``more`` sets further fields.

    A server that is slow to answer is waited for: a test's own calls are not repeated.

    settings = service_settings(RegistrySettings, "registry", urls=await postgres.urls("registry"),
                                redis_url=valkey, keys=keys)
    async with Listening(await build(settings)) as listening: ...
    """
    patient = timedelta(seconds=2 * PATIENCE)
    return kind(
        **keys.settings(service),
        database_checkout=patient,
        database_response=patient,
        database_url=urls.application,
        worker_database_url=urls.worker,
        migration_database_url=urls.owner,
        redis_url=redis_url,
        **more,
    )
