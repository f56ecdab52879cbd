from phoenix_dma import PhoenixClient

client = PhoenixClient(base_url="https://phoenix.example.com")

client.register_participant(
    id="agent.customer-steward.001",
    type="agent",
    capabilities=["customer_validation", "duplicate_detection", "policy_check"],
    owner="data-governance",
    data_domains=["customer_master"],
    permissions=["read_customer_master", "suggest_merge"]
)

@client.task_handler(capability="customer_validation")
def handle_customer_task(task):
    context = load_context(task.context_ref)
    result = validate_customer_candidates(context)
    client.checkpoint(task.id, result)
    return result
