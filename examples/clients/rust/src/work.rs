//! The tasks that this participant holds, and what is done for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{json, Value};
use tokio::task::AbortHandle;
use tonic::Status;

use crate::client::{reason_of, Client};
use crate::hashes::{content_hash, from_struct, to_struct};
use crate::v1::{
    CheckpointContextRequest, CompleteHandoffRequest, CompleteTaskRequest, Directive,
    DirectiveAction, FailTaskRequest, GetContextRequest, GetTaskRequest, ResumeTasksRequest,
    StartTaskRequest, Task, TaskBriefing, TaskStatus,
};

/// The tasks at work by id: the epoch of each, and how to stop it.
type Running = HashMap<String, (i64, AbortHandle)>;

#[derive(Clone)]
pub struct Work {
    client: Client,
    running: Arc<Mutex<Running>>,
}

impl Work {
    pub fn new(client: Client) -> Self {
        Self { client, running: Arc::default() }
    }

    /// Does what a directive asks for.
    pub async fn carry_out(&self, directive: &Directive) -> Result<(), Status> {
        match directive.action() {
            DirectiveAction::StartTask => self.start(&directive.task_id, directive.epoch).await,
            DirectiveAction::ReceiveHandoff => self.take_over(directive).await,
            DirectiveAction::StopTask => {
                self.stop(&directive.task_id, directive.epoch);
                Ok(())
            }
            // A checkpoint is asked for: this agent makes one after each step anyway. Decisions of
            // humans, draining and registering again are left out; docs/any-language.md has them.
            _ => Ok(()),
        }
    }

    /// Begins an attempt; the answer is everything that the work needs.
    async fn start(&self, task_id: &str, epoch: i64) -> Result<(), Status> {
        let message =
            StartTaskRequest { task_id: task_id.into(), epoch, ..Default::default() };
        let request = self.client.request(message).await?;
        let answer = self.client.tasks.clone().start_task(request).await?.into_inner();
        self.begin(answer.briefing.unwrap_or_default()).await
    }

    /// Takes up what this participant still holds after it came back, page by page. What is being
    /// worked on already goes on; what is on no page is not ours any more.
    pub async fn resume(&self, generation: i64) {
        if let Err(status) = self.resume_pages(generation).await {
            eprintln!("not resumed: {status}");
        }
    }

    async fn resume_pages(&self, generation: i64) -> Result<(), Status> {
        let mut before = self.working();
        let mut page_token = String::new();
        loop {
            let message =
                ResumeTasksRequest { generation, page_token, ..Default::default() };
            let request = self.client.request(message).await?;
            let answer = self.client.tasks.clone().resume_tasks(request).await?.into_inner();
            for briefing in answer.briefings {
                let task = briefing.task.clone().unwrap_or_default();
                before.remove(&task.task_id);
                match task.status() {
                    TaskStatus::Active => self.begin(briefing).await?,
                    TaskStatus::Assigned => self.start(&task.task_id, epoch_of(&task)).await?,
                    _ => {} // it waits for a human
                }
            }
            if answer.next_page_token.is_empty() {
                break;
            }
            page_token = answer.next_page_token;
        }
        for (task_id, epoch) in before {
            self.stop(&task_id, epoch);
        }
        Ok(())
    }

    /// Reads the context on offer, proves that it arrived, and becomes the owner of its task.
    async fn take_over(&self, offer: &Directive) -> Result<(), Status> {
        let address = format!("phoenix://context/{}", offer.task_id);
        let context = self.context(address, offer.offer_id.clone()).await?;
        let message = GetTaskRequest { task_id: offer.task_id.clone() };
        let request = self.client.request(message).await?;
        let task = self.client.tasks.clone().get_task(request).await?.into_inner().task;
        let obligations = task.unwrap_or_default().obligations;
        let message = CompleteHandoffRequest {
            handoff_id: offer.handoff_id.clone(),
            offer_id: offer.offer_id.clone(),
            received_hash: content_hash(&context),
            accepted_obligations: obligations
                .into_iter()
                .filter(|one| !one.fulfilled)
                .map(|one| one.id)
                .collect(),
            ..Default::default()
        };
        let request = self.client.request(message).await?;
        let answer = self.client.handoffs.clone().complete_handoff(request).await?.into_inner();
        self.work("took over", answer.briefing.unwrap_or_default(), context);
        Ok(())
    }

    /// Works on a task from its newest context, which at version 0 is the input.
    async fn begin(&self, briefing: TaskBriefing) -> Result<(), Status> {
        let task = briefing.task.clone().unwrap_or_default();
        let mut known = json!({});
        if briefing.context.as_ref().is_some_and(|one| one.version > 0) {
            known = self.context(task.context_ref.clone(), String::new()).await?;
        }
        self.work("started", briefing, known);
        Ok(())
    }

    async fn context(&self, context_ref: String, offer_id: String) -> Result<Value, Status> {
        let request = self.client.request(GetContextRequest { context_ref, offer_id }).await?;
        let answer = self.client.state.clone().get_context(request).await?.into_inner();
        Ok(from_struct(answer.context.unwrap_or_default()))
    }

    /// Runs the steps as a task of tokio. A task that is at work already is left alone: a directive
    /// may come twice, and resume names what goes on.
    fn work(&self, how: &str, briefing: TaskBriefing, known: Value) {
        let task = briefing.task.clone().unwrap_or_default();
        let (id, epoch) = (task.task_id.clone(), epoch_of(&task));
        let mut running = self.running.lock().expect("no holder panics");
        if running.get(&id).is_some_and(|(held, _)| *held >= epoch) {
            return;
        }
        println!("{how} {id} epoch {epoch}");
        let this = self.clone();
        let job = tokio::spawn(async move {
            match this.steps(&task, briefing, known).await {
                Ok(()) => println!("completed {}", task.task_id),
                // Stop, never retry.
                Err(status) if reason_of(&status) == "STALE_ASSIGNMENT" => {
                    eprintln!("{} is not ours any more: {status}", task.task_id);
                }
                Err(status) => this.fail(&task, status).await,
            }
            this.stop(&task.task_id, epoch);
        });
        if let Some((_, older)) = running.insert(id, (epoch, job.abort_handle())) {
            older.abort();
        }
    }

    /// The epoch of each task that is at work.
    fn working(&self) -> HashMap<String, i64> {
        let running = self.running.lock().expect("no holder panics");
        running.iter().map(|(id, (epoch, _))| (id.clone(), *epoch)).collect()
    }

    /// Does what is left of the task: each step is written down with the language that did it.
    async fn steps(&self, task: &Task, briefing: TaskBriefing, known: Value) -> Result<(), Status> {
        let input = from_struct(briefing.input.unwrap_or_default());
        let mut version = briefing.context.map_or(0, |one| one.version);
        let mut done = known["outputs"]["done"].as_array().cloned().unwrap_or_default();
        let total = input["steps"].as_f64().unwrap_or_default() as usize;
        while done.len() < total {
            tokio::time::sleep(Duration::from_millis(50)).await; // the work itself
            done.push("rust".into());
            let document =
                json!({"objective": task.objective, "inputs": input, "outputs": {"done": done}});
            let message = CheckpointContextRequest {
                task_id: task.task_id.clone(),
                epoch: epoch_of(task),
                base_version: version,
                context: Some(to_struct(&document)),
                ..Default::default()
            };
            let request = self.client.request(message).await?;
            let answer = self.client.state.clone().checkpoint_context(request).await?.into_inner();
            version = answer.checkpoint.map_or(version, |one| one.version);
            println!("checkpointed {}", done.len());
            let pauses = input["pause_after"].as_array().into_iter().flatten();
            if pauses.filter_map(Value::as_f64).any(|step| step as usize == done.len()) {
                std::future::pending::<()>().await; // the play kills this agent here
            }
        }
        let message = CompleteTaskRequest {
            task_id: task.task_id.clone(),
            epoch: epoch_of(task),
            result: Some(to_struct(&json!({"done": done}))),
            ..Default::default()
        };
        let request = self.client.request(message).await?;
        self.client.tasks.clone().complete_task(request).await?;
        Ok(())
    }

    async fn fail(&self, task: &Task, failure: Status) {
        let message = FailTaskRequest {
            task_id: task.task_id.clone(),
            epoch: epoch_of(task),
            message: failure.to_string(),
            retryable: true,
            ..Default::default()
        };
        let said = match self.client.request(message).await {
            Ok(request) => self.client.tasks.clone().fail_task(request).await.map(|_| ()),
            Err(status) => Err(status),
        };
        eprintln!("{} failed: {failure}; said so: {said:?}", task.task_id);
    }

    /// Ends the work on a task that is not ours any more under this epoch.
    fn stop(&self, task_id: &str, epoch: i64) {
        let mut running = self.running.lock().expect("no holder panics");
        if running.get(task_id).is_some_and(|(held, _)| *held <= epoch) {
            if let Some((_, job)) = running.remove(task_id) {
                job.abort();
            }
        }
    }

    /// Ends the work on everything, and answers how much that was.
    pub fn stop_all(&self) -> usize {
        let mut running = self.running.lock().expect("no holder panics");
        let stopped = running.len();
        for (_, (_, job)) in running.drain() {
            job.abort();
        }
        stopped
    }
}

fn epoch_of(task: &Task) -> i64 {
    task.assignment.as_ref().map_or(0, |one| one.epoch)
}
