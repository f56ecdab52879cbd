from gateway.rest.routes import rest_routes

TABLE_3 = {
    ("POST", "/participants/register"): "RegisterParticipant",
    ("POST", "/participants/heartbeat"): "Heartbeat",
    ("GET", "/participants/discover"): "DiscoverParticipants",
    ("POST", "/tasks/submit"): "SubmitTask",
    ("POST", "/tasks/assign"): "AssignTask",
    ("POST", "/state/checkpoint"): "CheckpointContext",
    ("POST", "/handoff/initiate"): "InitiateHandoff",
    ("POST", "/handoff/complete"): "CompleteHandoff",
    ("POST", "/participants/retire"): "RetireParticipant",
    ("GET", "/audit/events"): "ListAuditEvents",
}


def test_the_routes_are_exactly_those_of_the_papers_table_3() -> None:
    found = {(route.method, route.path): route.rpc.method for route in rest_routes()}
    assert found == TABLE_3
