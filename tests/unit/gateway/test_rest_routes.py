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


NEEDED_BY_AN_AGENT = {
    ("POST", "/v1/identity/enrol"): "Enrol",
    ("POST", "/v1/identity/renew"): "RenewCredential",
    ("GET", "/v1/participants/{participant_id}/directives"): "WaitForDirectives",
    ("POST", "/v1/session/resume"): "ResumeTasks",
    ("GET", "/v1/tasks/{task_id}"): "GetTask",
    ("POST", "/v1/tasks/{task_id}/start"): "StartTask",
    ("POST", "/v1/tasks/{task_id}/decline"): "DeclineTask",
    ("POST", "/v1/tasks/{task_id}/authorize"): "AuthorizeAction",
    ("POST", "/v1/tasks/{task_id}/complete"): "CompleteTask",
    ("POST", "/v1/tasks/{task_id}/fail"): "FailTask",
    ("GET", "/v1/context"): "GetContext",
    ("POST", "/v1/handoffs/{handoff_id}/decline"): "DeclineHandoff",
    ("GET", "/v1/approvals/{approval_id}"): "GetApproval",
}
"""Beside the paper's own: register, heartbeat, checkpoint, complete a handoff, retire."""


def test_the_routes_without_a_version_are_exactly_those_of_the_papers_table_3() -> None:
    found = {
        (route.method, route.path): route.rpc.method
        for route in rest_routes()
        if not route.path.startswith("/v1/")
    }
    assert found == TABLE_3


def test_an_agent_without_grpc_finds_every_route_that_it_needs() -> None:
    found = {(route.method, route.path): route.rpc.method for route in rest_routes()}
    assert NEEDED_BY_AN_AGENT.items() <= found.items()


def test_no_rpc_has_two_routes_and_no_route_two_rpcs() -> None:
    rpcs = [route.rpc.path for route in rest_routes()]
    assert len(rpcs) == len(set(rpcs))
    assert len(rpcs) == len({(route.method, route.path) for route in rest_routes()})
