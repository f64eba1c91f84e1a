// Made by `node scripts/client-operations.ts` from the description that the server gives of itself. Not to be edited.

export type WorkflowAgent = {
  workflow_id: string
  agent_id: string
  node_id: string
  position_x: number | null
  position_y: number | null
  agent_config: Record<string, unknown>
  agent: {
    agent_id: string | null
    name: string
    agent_type: string
  }
}

export type WorkflowConnection = {
  workflow_id: string
  source_agent_id: string
  target_agent_id: string
  connection_type: string
  conditions: unknown
  priority: number
  source_handle: string | null
  target_handle: string | null
}

export type Route = {
  /** A release of this deployment. */
  release: number
  /** Of the executions that name no release; with two decimals at most. */
  percent: number
  /** A tag has 1 to 32 small letters, digits and hyphens, and begins with a letter. */
  tag?: string
}

export type Deployment = {
  deployment_id: string
  deployment_name: string
  environment: string
  status: "active" | "inactive"
  deployed_at: string
  deployed_by: string | null
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  stopped_at: string | null
  /** Executions that ended, in whatever state. */
  execution_count: number
  /** Executions that failed. */
  error_count: number
  last_executed: string | null
  last_error: string | null
  /** The workflow as it was when the release was made. */
  workflow: {
    workflow_id: string
    name: string
    version: string
    description: string | null
  }
  /** The release that executions run on; of several, the one that gets the most. */
  release: {
    number: number
    /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
    digest: string
    /** SHA-256 of the definition alone. */
    definition_digest: string
    created_at: string
    created_by: string | null
  }
  /** How executions are divided among releases. */
  traffic: (Route)[]
}

export type Workflow = {
  workflow_id: string
  name: string
  version: string
  description: string | null
  configuration: Record<string, unknown>
  tags: (string)[] | null
  created_by: string | null
  is_active: boolean
  is_editable: boolean
  /** Whether an active deployment serves it. */
  is_deployed: boolean
  deployed_at: string | null
  created_at: string
  updated_at: string
  workflow_agents: (WorkflowAgent)[]
  workflow_connections: (WorkflowConnection)[]
  workflow_deployments: (Deployment)[]
}

export type Difference = {
  /** RFC 6901, into the later definition; of what was removed, into the earlier one. */
  pointer: string
  change: "added" | "removed" | "changed" | "reordered"
  before?: unknown
  after?: unknown
  /** Of a long text: hunks of a unified diff. */
  diff?: string
  /** What is here is not all of it. */
  truncated?: true
}

export type ReleaseDiff = {
  from: {
    deployment_name: string
    environment: string
    release: number | null
    workflow_id: string
    digest: string
    definition_digest: string
  }
  to: {
    deployment_name: string
    environment: string
    release: number | null
    workflow_id: string
    digest: string
    definition_digest: string
  }
  /** Whether both have the same digest, so that executions run the same. */
  identical: boolean
  counts: {
    nodes: {
      added: number
      removed: number
      changed: number
    }
    connections: {
      added: number
      removed: number
      changed: number
    }
    settings: number
  }
  nodes: ({
    change: "added" | "removed" | "changed"
    node: "agent" | "step"
    id: string
    /** Ids of the steps that run the workflow which it stands in. */
    within?: (string)[]
    type: string | null
    pointer: string
    differences: (Difference)[]
  })[]
  connections: ({
    change: "added" | "removed" | "changed"
    source: string
    target: string
    connection_type: string
    /** Ids of the steps that run the workflow which it stands in. */
    within?: (string)[]
    pointer: string
    differences: (Difference)[]
  })[]
  /** What stands beside nodes and connections. */
  settings: (Difference)[]
  runtime_config: (Difference)[]
  references: {
    secrets: {
      added: (string)[]
      removed: (string)[]
    }
    variables: {
      added: (string)[]
      removed: (string)[]
    }
  }
  /** There is more than is listed; `counts` counts all of it. */
  truncated: boolean
}

export type Rehearsal = {
  dry_run: true
  /** Whether it would be done. */
  valid: boolean
  errors: ({
    pointer: string
    code: string
    message: string
  })[]
  warnings: ({
    code: string
    message: string
    pointer?: string
  })[]
  deployment_name: string
  environment: string
  /** The very same release serves already. */
  unchanged: boolean
  /** A second API key would have to approve it. */
  needs_approval: boolean
  release: {
    number: number
    digest: string
    definition_digest: string
    runtime_config: {
      /** Seconds for the whole execution. Default 300. */
      timeout: number
      /** Retries of each step. Default 3. */
      max_retries: number
      /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
      concurrency?: {
        /** Executions that run at a time. Those that wait for a person or a time do not count. */
        limit: number
        /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
        queue: number
      }
      /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
      rate_limit?: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      }
      /** What model calls may use: tokens, US dollars, or both. */
      budget?: {
        /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
        per_execution?: {
          /** Of input and output together. */
          tokens?: number
          /** US dollars. */
          cost?: number
          on_exceeded: "stop" | "warn"
        }
        /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
        per_day?: {
          /** Of input and output together. */
          tokens?: number
          /** US dollars. */
          cost?: number
          on_exceeded: "refuse" | "stop" | "warn"
        }
      }
      /** How much of a session its executions see. */
      memory?: {
        /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
        turns: number
        /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
        characters: number
      }
      /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
      on_failure?: {
        /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
        url: string
        /** What it is signed with. */
        secret: string
      }
    }
  } | null
  diff: ReleaseDiff | null
  /** Executions of the deployment. */
  in_flight: {
    queued: number
    running: number
    waiting: number
  }
}

export type Proposal = {
  proposal_id: string
  kind: "deploy" | "promotion" | "runtime_config"
  deployment_name: string
  environment: string
  status: "pending" | "approved" | "rejected" | "outdated" | "expired"
  note: string | null
  /** Of the release that it would be. */
  digest: string
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  } | null
  workflow: {
    workflow_id: string
    name: string
    version: string
  } | null
  made_from: {
    deployment_name: string
    environment: string
    release: number
  } | null
  base: {
    release: number
    digest: string
  } | null
  warnings: ({
    code: string
    message: string
    pointer?: string
  })[]
  requested_at: string
  requested_by: string | null
  requested_by_key: string
  expires_at: string
  decided_at: string | null
  decided_by: string | null
  decided_by_key: string | null
  reason: string | null
  release: number | null
}

export type DeploymentDetail = {
  deployment_id: string
  deployment_name: string
  environment: string
  status: "active" | "inactive"
  deployed_at: string
  deployed_by: string | null
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  stopped_at: string | null
  /** Executions that ended, in whatever state. */
  execution_count: number
  /** Executions that failed. */
  error_count: number
  last_executed: string | null
  last_error: string | null
  /** The workflow as it was when the release was made. */
  workflow: {
    workflow_id: string
    name: string
    version: string
    description: string | null
  }
  /** The release that executions run on; of several, the one that gets the most. */
  release: {
    number: number
    /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
    digest: string
    /** SHA-256 of the definition alone. */
    definition_digest: string
    created_at: string
    created_by: string | null
  }
  /** How executions are divided among releases. */
  traffic: (Route)[]
  in_flight: {
    queued: number
    running: number
    waiting: number
  }
}

export type DeploymentByItself = {
  deployment_id: string
  deployment_name: string
  environment: string
  status: "active" | "inactive"
  deployed_at: string
  deployed_by: string | null
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  stopped_at: string | null
  /** Executions that ended, in whatever state. */
  execution_count: number
  /** Executions that failed. */
  error_count: number
  last_executed: string | null
  last_error: string | null
  /** The workflow as it was when the release was made. */
  workflow: {
    workflow_id: string
    name: string
    version: string
    description: string | null
  }
  /** The release that executions run on; of several, the one that gets the most. */
  release: {
    number: number
    /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
    digest: string
    /** SHA-256 of the definition alone. */
    definition_digest: string
    created_at: string
    created_by: string | null
  }
  /** How executions are divided among releases. */
  traffic: (Route)[]
  in_flight: {
    queued: number
    running: number
    waiting: number
  }
  hold: {
    since: string
    by: string | null
    reason: string | null
    from_releases: (number)[]
    to_release: number
  } | null
  /** Where the release has a budget for the day, in UTC: what is used of it. */
  budget_today?: {
    day: string
    used: {
      tokens: number
      /** US dollars. */
      cost: number
    }
    exceeded: boolean
    ends_at: string
  }
  /** Where the release has `on_failure`: the webhooks about its failed executions. */
  webhooks?: {
    pending: number
    /** Of those that are still kept: the last thousand that have ended. */
    delivered: number
    /** Of those that are still kept. */
    given_up: number
    /** Not even tried, because a thousand waited. */
    dropped: number
  }
}

export type Release = {
  number: number
  /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
  digest: string
  /** SHA-256 of the definition alone: the same wherever it was promoted to. */
  definition_digest: string
  note: string | null
  created_at: string
  created_by: string | null
  api_key: {
    key_id: string
    name: string | null
  } | null
  /** Of a workflow (deploy), of a release elsewhere (promotion), or of the live one with another runtime configuration. */
  made_by: "deploy" | "promotion" | "runtime_config"
  made_from: {
    deployment_name: string
    environment: string
    release: number
  } | null
  proposal_id: string | null
  /** As it was when the release was made. */
  workflow: {
    workflow_id: string
    name: string
    version: string
    description: string | null
  }
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  /** Whether it is the one that most executions go to. */
  live: boolean
  traffic: {
    percent: number
    tag?: string
  } | null
}

export type ReleaseStatistics = {
  since: string
  /** Whether `since` is what was asked for. Of more than 5,000 executions these are the newest, and `since` is when the first of them began. */
  complete: boolean
  /** Those that were accepted since then and have ended. */
  executions: number
  completed: number
  failed: number
  cancelled: number
  error_rate: number | null
  duration_ms: {
    p50: number
    p95: number
  } | null
  tokens: {
    input: number
    output: number
    total: number
  }
  cost: number | null
}

export type ReleaseDetail = {
  deployment_name: string
  environment: string
  number: number
  /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
  digest: string
  /** SHA-256 of the definition alone: the same wherever it was promoted to. */
  definition_digest: string
  note: string | null
  created_at: string
  created_by: string | null
  api_key: {
    key_id: string
    name: string | null
  } | null
  /** Of a workflow (deploy), of a release elsewhere (promotion), or of the live one with another runtime configuration. */
  made_by: "deploy" | "promotion" | "runtime_config"
  made_from: {
    deployment_name: string
    environment: string
    release: number
  } | null
  proposal_id: string | null
  /** As it was when the release was made. */
  workflow: {
    workflow_id: string
    name: string
    version: string
    description: string | null
  }
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  /** Whether it is the one that most executions go to. */
  live: boolean
  traffic: {
    percent: number
    tag?: string
  } | null
  /** What the definition refers to in its environment, by name. Values are never shown. */
  references: {
    secrets: (string)[]
    variables: (string)[]
    provider_keys: (string)[]
  }
  statistics: ReleaseStatistics
  /** All that an execution depends on: agents with models and prompts, steps, connections, tools with the schemas that were recorded of them, and the workflows that steps run. */
  definition: unknown
}

export type PromotionRehearsal = {
  dry_run: true
  /** Whether it would be done. */
  valid: boolean
  errors: ({
    pointer: string
    code: string
    message: string
  })[]
  warnings: ({
    code: string
    message: string
    pointer?: string
  })[]
  deployment_name: string
  environment: string
  /** The very same release serves already. */
  unchanged: boolean
  /** A second API key would have to approve it. */
  needs_approval: boolean
  release: {
    number: number
    digest: string
    definition_digest: string
    runtime_config: {
      /** Seconds for the whole execution. Default 300. */
      timeout: number
      /** Retries of each step. Default 3. */
      max_retries: number
      /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
      concurrency?: {
        /** Executions that run at a time. Those that wait for a person or a time do not count. */
        limit: number
        /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
        queue: number
      }
      /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
      rate_limit?: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      }
      /** What model calls may use: tokens, US dollars, or both. */
      budget?: {
        /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
        per_execution?: {
          /** Of input and output together. */
          tokens?: number
          /** US dollars. */
          cost?: number
          on_exceeded: "stop" | "warn"
        }
        /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
        per_day?: {
          /** Of input and output together. */
          tokens?: number
          /** US dollars. */
          cost?: number
          on_exceeded: "refuse" | "stop" | "warn"
        }
      }
      /** How much of a session its executions see. */
      memory?: {
        /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
        turns: number
        /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
        characters: number
      }
      /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
      on_failure?: {
        /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
        url: string
        /** What it is signed with. */
        secret: string
      }
    }
  } | null
  diff: ReleaseDiff | null
  /** Executions of the deployment. */
  in_flight: {
    queued: number
    running: number
    waiting: number
  }
  made_from: {
    deployment_name: string
    environment: string
    release: number
  }
  checklist: ({
    check: "secrets" | "variables" | "models" | "definition" | "runtime_config" | "executions"
    ok: boolean
    message: string
    missing?: (string)[]
    executions?: {
      completed: number
      failed: number
      last: ({
        execution_id: string
        status: string
      })[]
    }
  })[]
}

export type RouteChange = {
  /** 1, 2, 3… for each deployment. */
  number: number
  at: string
  /** What changed the routes. `configure`: another runtime configuration. `guard`: by itself, because a bound was passed. */
  kind: "deploy" | "traffic" | "rollback" | "promote" | "configure" | "guard"
  by: string | null
  reason: string | null
  before: (Route)[] | null
  after: (Route)[]
}

export type Traffic = {
  deployment_id: string
  deployment_name: string
  environment: string
  status: "active" | "inactive"
  /** The release with the largest part. Its concurrency, rate limit and daily budget are those of the deployment. */
  live: number
  guard: {
    /** Of the executions that ended, the part that may have failed: 0.05 are five in a hundred. */
    max_error_rate?: number
    /** Milliseconds that at most five in a hundred executions may run longer than. What they wait for a person or a time does not count. */
    max_p95_ms?: number
    /** US dollars that an execution may cost on average. */
    max_cost?: number
    /** Executions by which a release is judged: a bound is passed when as many of them pass it as make it certain for that number. */
    min_samples: number
    back_to: number
    watched: ({
      release: number
      /** Executions that it is judged by: the newest ones, at most twice `min_samples`. */
      samples: number
      errors: number
      /** Beyond `max_p95_ms`. */
      slow: number
      cost: number
    })[]
  } | null
  change: RouteChange
  routes: ({
    /** A release of this deployment. */
    release: number
    /** Of the executions that name no release; with two decimals at most. */
    percent: number
    /** A tag has 1 to 32 small letters, digits and hyphens, and begins with a letter. */
    tag?: string
    digest: string
    in_flight: number
    statistics: ReleaseStatistics
  })[]
}

export type ExecutionSummary = {
  execution_id: string
  /** A UUID; empty where a draft is run. */
  deployment_id: string
  deployment_name: string
  environment: string
  workflow_id: string
  release: number
  status: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled"
  session_id: string | null
  user_id: string | null
  created_at: string
  started_at: string | null
  ended_at: string | null
  error: {
    code: string
    message: string
  } | null
  tokens: {
    input: number
    output: number
    total: number
  }
  demo: boolean
  /** Whether it runs a workflow's draft: then it belongs to no deployment, whose name and id are empty, and its release is 0. */
  test: boolean
  parent_id: string | null
}

export type Webhook = {
  /** The same in every attempt. */
  webhook_id: string
  status: "pending" | "delivered" | "given_up"
  attempts: number
  created_at: string
  next_attempt_at: string | null
  ended_at: string | null
  last_error: string | null
}

export type Execution = {
  execution_id: string
  /** A UUID; empty where a draft is run. */
  deployment_id: string
  deployment_name: string
  environment: string
  workflow_id: string
  release: number
  status: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled"
  session_id: string | null
  user_id: string | null
  created_at: string
  started_at: string | null
  ended_at: string | null
  error: {
    code: string
    message: string
  } | null
  tokens: {
    input: number
    output: number
    total: number
  }
  demo: boolean
  /** Whether it runs a workflow's draft: then it belongs to no deployment, whose name and id are empty, and its release is 0. */
  test: boolean
  parent_id: string | null
  query: string
  /** What was said before, as the execution sees it: with what is remembered of its session. */
  chat_history: ({
    role: string
    content: string
  })[]
  /** How many questions and their answers are remembered of its session. */
  remembered_turns: number
  input?: unknown
  response: string | null
  api_key: {
    key_id: string
    name: string | null
  } | null
  runtime_config: {
    /** Seconds for the whole execution. Default 300. */
    timeout: number
    /** Retries of each step. Default 3. */
    max_retries: number
    /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
    concurrency?: {
      /** Executions that run at a time. Those that wait for a person or a time do not count. */
      limit: number
      /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
      queue: number
    }
    /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
    rate_limit?: {
      /** So many at once, after which they fill up at an even pace. */
      requests: number
      /** The time in which all of them are there again. */
      seconds: number
    }
    /** What model calls may use: tokens, US dollars, or both. */
    budget?: {
      /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
      per_execution?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "stop" | "warn"
      }
      /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
      per_day?: {
        /** Of input and output together. */
        tokens?: number
        /** US dollars. */
        cost?: number
        on_exceeded: "refuse" | "stop" | "warn"
      }
    }
    /** How much of a session its executions see. */
    memory?: {
      /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
      turns: number
      /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
      characters: number
    }
    /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
    on_failure?: {
      /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
      url: string
      /** What it is signed with. */
      secret: string
    }
  }
  routing: {
    release: {
      number: number
      /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
      digest: string
      /** SHA-256 of the definition alone: the same wherever it was promoted to. */
      definition_digest: string
      note: string | null
      created_at: string
      created_by: string | null
      api_key: {
        key_id: string
        name: string | null
      } | null
      /** Of a workflow (deploy), of a release elsewhere (promotion), or of the live one with another runtime configuration. */
      made_by: "deploy" | "promotion" | "runtime_config"
      made_from: {
        deployment_name: string
        environment: string
        release: number
      } | null
      proposal_id: string | null
      /** As it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
    }
    /** How the release was found. `session`: by the bucket of its `session_id`; `lot`: by a bucket of its own, without a session; `release`, `tag`: the request named it; `live`: the request named a workflow, which the release of its bucket is not of. */
    chosen_by: "only_route" | "session" | "lot" | "release" | "tag" | "live"
    route: {
      /** A release of this deployment. */
      release: number
      /** Of the executions that name no release; with two decimals at most. */
      percent: number
      /** A tag has 1 to 32 small letters, digits and hyphens, and begins with a letter. */
      tag?: string
    } | null
    bucket: number | null
    change: {
      /** 1, 2, 3… for each deployment. */
      number: number
      at: string
      /** What changed the routes. `configure`: another runtime configuration. `guard`: by itself, because a bound was passed. */
      kind: "deploy" | "traffic" | "rollback" | "promote" | "configure" | "guard"
      by: string | null
      reason: string | null
      before: (Route)[] | null
      after: (Route)[]
    } | null
  } | null
  cost: number | null
  /** Where the release has `on_failure`: what was sent about its failures, the newest first. */
  webhooks?: (Webhook)[]
  /** How often the server ended while it ran this execution. */
  recoveries: number
}

export type Step = {
  /** The same through all attempts. */
  step_id: string
  /** model: a call of a model. agent: a call of another agent, which holds steps of its own. */
  kind: string
  name: string
  status: "running" | "completed" | "failed" | "cancelled"
  model: string | null
  attempts: ({
    number: number
    started_at: string
    ended_at: string | null
    error?: {
      code: string
      message: string
    }
  })[]
  input: unknown
  output: unknown
  tokens: {
    input: number
    output: number
    total: number
  } | null
  cost: number | null
  demo: boolean
}

export type Approval = {
  execution_id: string
  step_id: string
  name: string
  deployment_name: string
  environment: string
  workflow_id: string
  message: string
  details: unknown
  requested_at: string
  deadline: string | null
}

export type Agent = {
  agent_id: string
  name: string
  agent_type: string
  description: string | null
  config: Record<string, unknown>
  available_for_deployment: boolean
  created_at: string
  updated_at: string
}

export type AuditEntry = {
  /** 1, 2, 3… in the order of the changes. */
  seq: number
  at: string
  actor: {
    /** The API key; empty where there was none. */
    key_id: string
    name: string | null
    address: string | null
  }
  action: string
  object: {
    type: string
    id: string
    name: string | null
    environment: string | null
  }
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  previous_hash: string
  hash: string
}

export type Key = {
  /** The public part, which the key begins with. */
  key_id: string
  name: string
  status: "active" | "expired" | "revoked"
  scopes: ("workflow:read" | "workflow:write" | "deploy" | "execute" | "execution:read" | "approve" | "secrets" | "admin")[]
  environments: (string)[] | null
  deployment_pattern: string | null
  rate_limit: {
    /** So many at once, after which they fill up at an even pace. */
    requests: number
    /** The time in which all of them are there again. */
    seconds: number
  } | null
  concurrency: number | null
  created_at: string
  created_by: string | null
  expires_at: string | null
  last_used_at: string | null
  revoked_at: string | null
}

export type Secret = {
  environment: string
  name: string
  /** Counts the values that it has had. */
  version: number
  /** The key of the key file that it is encrypted with. */
  key_id: string
  /** Whether that key is in the key file. Without it, whatever needs the secret fails. */
  readable: boolean
  created_at: string
  created_by: string | null
  updated_at: string
  updated_by: string | null
  /** What refers to it. */
  used_by: {
    /** Those of the environment whose release refers to it, or calls a model with it. */
    deployments: ({
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      release: number
    })[]
    /** Those that refer to it as they are now, whatever they are deployed to. */
    workflows: ({
      workflow_id: string
      name: string
      version: string
    })[]
    agents: ({
      agent_id: string
      name: string
    })[]
  }
}

export type Variable = {
  environment: string
  name: string
  /** Counts the values that it has had. */
  version: number
  value: string
  created_at: string
  created_by: string | null
  updated_at: string
  updated_by: string | null
  /** What refers to it. */
  used_by: {
    /** Those of the environment whose release refers to it, or calls a model with it. */
    deployments: ({
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      release: number
    })[]
    /** Those that refer to it as they are now, whatever they are deployed to. */
    workflows: ({
      workflow_id: string
      name: string
      version: string
    })[]
    agents: ({
      agent_id: string
      name: string
    })[]
  }
}

export type Tool = {
  /** As a model calls it. */
  name: string
  /** What models are told of it. */
  description: string
  /** Where it comes from. */
  source: {
    type: "builtin" | "http" | "openapi" | "mcp"
    /** Of a tool on another server, as its agent’s config has it. */
    url?: string
    /** Of an MCP server that the operator lists: its name. */
    server?: string
  }
  /** A JSON Schema. */
  parameters: Record<string, unknown>
  /** `write`: a call may change something, so a person approves it, unless the agent’s config says otherwise. */
  access: "read" | "write"
}

export type Sortoftool = {
  type: string
  title: string
  description: string
  /** A JSON Schema. */
  schema: Record<string, unknown>
}

export type MCPserverofthismachine = {
  /** What an agent’s config calls it: `{"type": "mcp", "server": name, …}`. */
  name: string
  /** `idle`: it is started when it is first used. */
  status: "idle" | "starting" | "running" | "failed"
  failure: string | null
}

export type MCPserverofthismachinewithitstools = {
  /** What an agent’s config calls it: `{"type": "mcp", "server": name, …}`. */
  name: string
  /** `idle`: it is started when it is first used. */
  status: "idle" | "starting" | "running" | "failed"
  failure: string | null
  tools: (Tool)[]
}

export type Toolofanagent = {
  /** The node whose agent has it. */
  agent_id: string
  /** As a model calls it. */
  name: string
  /** What models are told of it. */
  description: string
  /** Where it comes from. */
  source: {
    type: "builtin" | "http" | "openapi" | "mcp"
    /** Of a tool on another server, as its agent’s config has it. */
    url?: string
    /** Of an MCP server that the operator lists: its name. */
    server?: string
  }
  /** A JSON Schema. */
  parameters: Record<string, unknown>
  /** `write`: a call may change something, so a person approves it, unless the agent’s config says otherwise. */
  access: "read" | "write"
  /** Which of its calls wait for a person. */
  approval: "never" | "always" | "writes"
}

export type Models = {
  /** What agents run on that name no model. */
  default: string
  providers: ({
    /** What stands before the slash: `provider/model`. */
    provider: string
    /** Built in: it runs without any provider, and knows nothing. */
    demo: boolean
    /** The server can call it, in every environment. */
    configured: boolean
    missing: string | null
    secret: string | null
    /** Of those that the key may see. */
    environments_with_secret: (string)[]
    /** Those that are known by name. A provider that is not built in may have others. */
    models: ({
      /** With `*` for all others of the provider. */
      model: string
      price: {
        input: number
        output: number
      } | null
      price_source: "built in" | "AGENT_STUDIO_PRICES" | null
    })[]
  })[]
}

export type Drain = {
  deployment_id: string
  deployment_name: string
  environment: string
  status: "active" | "inactive"
  mode: "drain" | "cancel" | "freeze" | null
  since: string | null
  deadline: string | null
  deadline_passed_at: string | null
  in_flight: {
    queued: number
    running: number
    waiting: number
    /** Of those that wait, the ones that a freeze has parked. */
    frozen: number
  }
  /** Executions that the stop, or its deadline, has cancelled. */
  cancelled: number
  /** Nothing is in flight any more and no call is under way; of a freeze, nothing that has not parked. */
  done: boolean
  done_at: string | null
}

export type Problem = {
  /** Where the code is explained. */
  type: string
  /** The kind of problem, the same for each of its code. */
  title: string
  /** The HTTP status. */
  status: number
  /** A sentence to act on. */
  detail: string
  /** What programs branch on. */
  code: string
  /** For bad input: each problem with its place. */
  errors?: ({
    /** A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter. */
    pointer: string
    code: string
    message: string
  })[]
}

/** Each call of the API: what it takes, and what it answers. */
export interface Operations {
  /** Add an agent to a workflow. */
  addAgent: {
    input: {
      path: {
        workflow_id: string
      }
      body: {
      /** The id or the name of a registered agent. */
      agent_id: string
      /** What the agent is called within this workflow. */
      node_id: string
      position_x?: number
      position_y?: number
      agent_config?: Record<string, unknown>
      workflow_id?: string
    }
    }
    answer: WorkflowAgent
  }
  /** Add a connection to a workflow. */
  addConnection: {
    input: {
      path: {
        workflow_id: string
      }
      body: {
      source_agent_id: string
      target_agent_id: string
      connection_type?: string
      conditions?: Record<string, unknown>
      priority?: number
      source_handle?: string
      target_handle?: string
      workflow_id?: string
    }
    }
    answer: WorkflowConnection
  }
  /** Approve what an execution waits for. */
  approveExecution: {
    input: {
      path: {
        execution_id: string
      }
      body?: {
      /** May be left out where only one step waits. */
      step_id?: string
      /** Why; kept with the decision. */
      comment?: string
    }
    }
    answer: {
      execution_id: string
      step_id: string
      decision: string
    }
  }
  /** Approve a proposal with a second key. */
  approveProposal: {
    input: {
      path: {
        proposal_id: string
      }
      body?: {
      reason?: string
    }
    }
    answer: {
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
      /** True when the very same release served already, so that nothing was changed. */
      unchanged: boolean
    }
  }
  /** Cancel an execution. */
  cancelExecution: {
    input: {
      path: {
        execution_id: string
      }
    }
    answer: Execution
  }
  /** Cancel executions. */
  cancelExecutions: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body?: {
      /** Only those that ran on it. */
      release?: number
      /** Default: all in flight. */
      status?: ("queued" | "running" | "waiting")[]
      /** Accepted at this time or later. */
      from?: string
      /** Accepted before this time. */
      to?: string
      /** At most so many. Default 100. */
      limit?: number
      environment?: string
    }
    }
    answer: {
      message: string
      deployment_id: string
      deployment_name: string
      environment: string
      cancelled: number
      /** That match and are left; counted up to 10,000. */
      remaining: number
      execution_ids: (string)[]
    }
  }
  /** Change the name or the limits of an API key. */
  changeKey: {
    input: {
      path: {
        key_id: string
      }
      body?: {
      /** For people: what the key is for. */
      name?: string
      rate_limit?: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      } | null
      concurrency?: number | null
    }
    }
    answer: Key
  }
  /** Ask whether the process answers. */
  checkHealth: {
    input: {
    }
    answer: {
      status: "ok"
    }
  }
  /** Ask whether the server takes work. */
  checkReadiness: {
    input: {
    }
    answer: {
      status: "ready"
    }
  }
  /** Compare two releases. */
  compareReleases: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
        from?: number
        to?: string
        to_environment?: string
        to_name?: string
      }
    }
    answer: {
      from: {
        deployment_name: string
        environment: string
        release: number | null
        workflow_id: string
        digest: string
        definition_digest: string
      }
      to: {
        deployment_name: string
        environment: string
        release: number | null
        workflow_id: string
        digest: string
        definition_digest: string
      }
      /** Whether both have the same digest, so that executions run the same. */
      identical: boolean
      counts: {
        nodes: {
          added: number
          removed: number
          changed: number
        }
        connections: {
          added: number
          removed: number
          changed: number
        }
        settings: number
      }
      nodes: ({
        change: "added" | "removed" | "changed"
        node: "agent" | "step"
        id: string
        /** Ids of the steps that run the workflow which it stands in. */
        within?: (string)[]
        type: string | null
        pointer: string
        differences: (Difference)[]
      })[]
      connections: ({
        change: "added" | "removed" | "changed"
        source: string
        target: string
        connection_type: string
        /** Ids of the steps that run the workflow which it stands in. */
        within?: (string)[]
        pointer: string
        differences: (Difference)[]
      })[]
      /** What stands beside nodes and connections. */
      settings: (Difference)[]
      runtime_config: (Difference)[]
      references: {
        secrets: {
          added: (string)[]
          removed: (string)[]
        }
        variables: {
          added: (string)[]
          removed: (string)[]
        }
      }
      /** There is more than is listed; `counts` counts all of it. */
      truncated: boolean
    }
  }
  /** Change the runtime configuration of a deployment. */
  configureDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body: {
      /** Each member that is given replaces that of the live release as a whole, null takes one back to its default, and what is left out stays. */
      runtime_config: {
        timeout?: number | null
        max_retries?: number | null
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue?: number
        } | null
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        } | null
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "refuse" | "stop" | "warn"
          }
        } | null
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns?: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters?: number
        } | null
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        } | null
      }
      /** What it is for; for those who read the history. */
      note?: string
      changed_by?: string
      environment?: string
    }
    }
    answer: {
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
      /** True when the very same release served already, so that nothing was changed. */
      unchanged: boolean
    } | {
      message: string
      proposal: Proposal
    }
  }
  /** Register an agent. */
  createAgent: {
    input: {
      body: {
      name: string
      /** What kind of agent it is. Default: its name. */
      agent_type?: string
      /** Other agents read it to decide whether to call this one. */
      description?: string
      /** model, system_prompt, temperature, max_tokens, top_p, stop, max_retries, api. A node of a workflow that uses this agent overrides what its own config names. */
      config?: Record<string, unknown>
      available_for_deployment?: boolean
    }
    }
    answer: Agent
  }
  /** Make an API key. */
  createKey: {
    input: {
      body: {
      /** For people: what the key is for. */
      name: string
      scopes: ("workflow:read" | "workflow:write" | "deploy" | "execute" | "execution:read" | "approve" | "secrets" | "admin")[]
      /** What belongs to other environments does not exist for this key. Default: all that the key has which makes it. */
      environments?: (string)[]
      /** Deployments of other names do not exist for this key. A pattern has 1 to 128 letters, digits, dots, underscores, hyphens and '*' for any characters, such as 'support-*'; at most 8 of it are '*'. */
      deployment_pattern?: string
      rate_limit?: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      } | null
      concurrency?: number | null
      /** From then on the key is not accepted. Default: never. */
      expires_at?: string
    }
    }
    answer: {
      /** The public part, which the key begins with. */
      key_id: string
      name: string
      status: "active" | "expired" | "revoked"
      scopes: ("workflow:read" | "workflow:write" | "deploy" | "execute" | "execution:read" | "approve" | "secrets" | "admin")[]
      environments: (string)[] | null
      deployment_pattern: string | null
      rate_limit: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      } | null
      concurrency: number | null
      created_at: string
      created_by: string | null
      expires_at: string | null
      last_used_at: string | null
      revoked_at: string | null
      /** The key itself. Shown this once: nobody can look it up later. */
      key: string
    }
  }
  /** Create a workflow. */
  createWorkflow: {
    input: {
      body: {
      name: string
      /** Agents and the connections between them; everything else in it is kept as it comes. It may be unfinished: a deploy checks it. */
      configuration: Record<string, unknown>
      description?: string
      version?: string
      tags?: (string)[]
      created_by?: string
      is_active?: boolean
      is_editable?: boolean
    }
    }
    answer: Workflow
  }
  /** Remove an agent from the register. */
  deleteAgent: {
    input: {
      path: {
        agent_id: string
      }
    }
    answer: {
      message: string
      agent_id: string
    }
  }
  /** Delete a deployment. */
  deleteDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
    }
    answer: {
      message: string
      deployment_id: string
      environment: string
    }
  }
  /** Delete an execution. */
  deleteExecution: {
    input: {
      path: {
        execution_id: string
      }
    }
    answer: {
      message: string
      execution_id: string
    }
  }
  /** Delete a secret. */
  deleteSecret: {
    input: {
      path: {
        environment: string
        name: string
      }
      query?: {
        force?: boolean
      }
    }
    answer: {
      message: string
      environment: string
      name: string
    }
  }
  /** Delete a variable. */
  deleteVariable: {
    input: {
      path: {
        environment: string
        name: string
      }
      query?: {
        force?: boolean
      }
    }
    answer: {
      message: string
      environment: string
      name: string
    }
  }
  /** Delete a workflow. */
  deleteWorkflow: {
    input: {
      path: {
        workflow_id: string
      }
    }
    answer: {
      message: string
      workflow_id: string
    }
  }
  /** Deploy a workflow under a name. */
  deployWorkflow: {
    input: {
      path: {
        workflow_id: string
      }
      body: {
      /** A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'. */
      deployment_name: string
      environment?: string
      deployed_by?: string
      runtime_config?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue?: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns?: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters?: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      /** Makes a release even if the very same one serves already. */
      force?: boolean
      /** What it is for; for those who read the history. */
      note?: string
      /** What becomes of executions in flight on other releases: they end there (pin, the default), or are cancelled by then. */
      in_flight?: "pin" | "cancel"
      /** Made by a program that nobody watches: after a rollback that is 409, until somebody lets such deploys go on. */
      automated?: boolean
      /** Says what would happen, with every problem, and changes nothing. */
      dry_run?: boolean
    }
    }
    answer: {
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
      /** True when the very same release served already, so that nothing was changed. */
      unchanged: boolean
      /** Executions that were cancelled, where that was asked for. */
      cancelled?: number
    } | Rehearsal | {
      message: string
      proposal: Proposal
    }
  }
  /** Run a deployment and wait for its answer. */
  execute: {
    input: {
      body: {
      /** A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'. */
      deployment_name?: string
      /** Instead of a name: the most recently deployed active deployment of this workflow. */
      workflow_id?: string
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Only this environment. Without it all are searched, in their configured order. */
      environment?: string
      /** Only this release, which must have a route, of 0 % if need be. Without it, as the traffic is divided. */
      release?: number
      /** Instead of a release: the route that has this tag. */
      tag?: string
      /** What happens when the client leaves before the end. Default: continue. */
      on_disconnect?: "continue" | "cancel"
    }
    }
    answer: {
      status: "success"
      response: string
      execution_id: string
      workflow_id: string
      /** A UUID; empty where a draft is run. */
      deployment_id: string
      deployment_name: string
      environment: string
      release: number
      tokens: {
        input: number
        output: number
        total: number
      }
      /** Present, and true, when a demo model took part. */
      demo?: boolean
      /** Present, and true, when it ran a draft. */
      test?: boolean
    }
  }
  /** Run a deployment in the background. */
  executeAsync: {
    input: {
      body: {
      /** A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'. */
      deployment_name?: string
      /** Instead of a name: the most recently deployed active deployment of this workflow. */
      workflow_id?: string
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Only this environment. Without it all are searched, in their configured order. */
      environment?: string
      /** Only this release, which must have a route, of 0 % if need be. Without it, as the traffic is divided. */
      release?: number
      /** Instead of a release: the route that has this tag. */
      tag?: string
    }
    }
    answer: {
      execution_id: string
      status: "queued" | "running"
      workflow_id: string
      /** A UUID; empty where a draft is run. */
      deployment_id: string
      deployment_name: string
      environment: string
      release: number
      /** Present, and true, when it runs a draft. */
      test?: boolean
    }
  }
  /** Run a workflow as it is now, and wait for its answer. */
  executeDraft: {
    input: {
      path: {
        workflow_id: string
      }
      body: {
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Whose secrets and variables it has. Without it the first one in their configured order: development. */
      environment?: string
      /** What happens when the client leaves before the end. Default: continue. */
      on_disconnect?: "continue" | "cancel"
    }
    }
    answer: {
      status: "success"
      response: string
      execution_id: string
      workflow_id: string
      /** A UUID; empty where a draft is run. */
      deployment_id: string
      deployment_name: string
      environment: string
      release: number
      tokens: {
        input: number
        output: number
        total: number
      }
      /** Present, and true, when a demo model took part. */
      demo?: boolean
      /** Present, and true, when it ran a draft. */
      test?: boolean
    }
  }
  /** Run a workflow as it is now, in the background. */
  executeDraftAsync: {
    input: {
      path: {
        workflow_id: string
      }
      body: {
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Whose secrets and variables it has. Without it the first one in their configured order: development. */
      environment?: string
    }
    }
    answer: {
      execution_id: string
      status: "queued" | "running"
      workflow_id: string
      /** A UUID; empty where a draft is run. */
      deployment_id: string
      deployment_name: string
      environment: string
      release: number
      /** Present, and true, when it runs a draft. */
      test?: boolean
    }
  }
  /** Export the trail. */
  exportAudit: {
    input: {
      query?: {
        after?: number
      }
    }
    answer: string
  }
  /** Look at an agent. */
  getAgent: {
    input: {
      path: {
        agent_id: string
      }
    }
    answer: Agent
  }
  /** Look at an agent, by its name. */
  getAgentByName: {
    input: {
      path: {
        name: string
      }
    }
    answer: Agent
  }
  /** Look at a deployment. */
  getDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
    }
    answer: DeploymentByItself
  }
  /** See how far a stop has come. */
  getDrain: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
        wait?: number
      }
    }
    answer: Drain
  }
  /** Look at an execution. */
  getExecution: {
    input: {
      path: {
        execution_id: string
      }
    }
    answer: Execution
  }
  /** Check that the server answers. */
  getHealth: {
    input: {
    }
    answer: {
      status: "ok"
    }
  }
  /** Look at an API key. */
  getKey: {
    input: {
      path: {
        key_id: string
      }
    }
    answer: Key
  }
  /** Look at an MCP server of this machine. */
  getMcpServer: {
    input: {
      path: {
        name: string
      }
    }
    answer: MCPserverofthismachinewithitstools
  }
  /** Get the metrics. */
  getMetrics: {
    input: {
    }
    answer: string
  }
  /** Get this description as OpenAPI 3.1. */
  getOpenApi: {
    input: {
    }
    answer: Record<string, unknown>
  }
  /** Look at a proposal, and in what it differs from what serves. */
  getProposal: {
    input: {
      path: {
        proposal_id: string
      }
    }
    answer: {
      proposal_id: string
      kind: "deploy" | "promotion" | "runtime_config"
      deployment_name: string
      environment: string
      status: "pending" | "approved" | "rejected" | "outdated" | "expired"
      note: string | null
      /** Of the release that it would be. */
      digest: string
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      } | null
      workflow: {
        workflow_id: string
        name: string
        version: string
      } | null
      made_from: {
        deployment_name: string
        environment: string
        release: number
      } | null
      base: {
        release: number
        digest: string
      } | null
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
      requested_at: string
      requested_by: string | null
      requested_by_key: string
      expires_at: string
      decided_at: string | null
      decided_by: string | null
      decided_by_key: string | null
      reason: string | null
      release: number | null
      diff: {
        from: {
          deployment_name: string
          environment: string
          release: number | null
          workflow_id: string
          digest: string
          definition_digest: string
        }
        to: {
          deployment_name: string
          environment: string
          release: number | null
          workflow_id: string
          digest: string
          definition_digest: string
        }
        /** Whether both have the same digest, so that executions run the same. */
        identical: boolean
        counts: {
          nodes: {
            added: number
            removed: number
            changed: number
          }
          connections: {
            added: number
            removed: number
            changed: number
          }
          settings: number
        }
        nodes: ({
          change: "added" | "removed" | "changed"
          node: "agent" | "step"
          id: string
          /** Ids of the steps that run the workflow which it stands in. */
          within?: (string)[]
          type: string | null
          pointer: string
          differences: (Difference)[]
        })[]
        connections: ({
          change: "added" | "removed" | "changed"
          source: string
          target: string
          connection_type: string
          /** Ids of the steps that run the workflow which it stands in. */
          within?: (string)[]
          pointer: string
          differences: (Difference)[]
        })[]
        /** What stands beside nodes and connections. */
        settings: (Difference)[]
        runtime_config: (Difference)[]
        references: {
          secrets: {
            added: (string)[]
            removed: (string)[]
          }
          variables: {
            added: (string)[]
            removed: (string)[]
          }
        }
        /** There is more than is listed; `counts` counts all of it. */
        truncated: boolean
      } | null
    }
  }
  /** Look at a release. */
  getRelease: {
    input: {
      path: {
        deployment_name: string
        number: number
      }
      query?: {
        environment?: string
      }
    }
    answer: ReleaseDetail
  }
  /** Look at a secret. */
  getSecret: {
    input: {
      path: {
        environment: string
        name: string
      }
    }
    answer: Secret
  }
  /** See how executions are divided among releases, and how each of these does. */
  getTraffic: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
        since?: string
      }
    }
    answer: Traffic
  }
  /** Look at a variable. */
  getVariable: {
    input: {
      path: {
        environment: string
        name: string
      }
    }
    answer: Variable
  }
  /** Look at a workflow. */
  getWorkflow: {
    input: {
      path: {
        workflow_id: string
      }
    }
    answer: Workflow
  }
  /** List the active deployments. */
  listActiveDeployments: {
    input: {
    }
    answer: (Deployment)[]
  }
  /** List the registered agents. */
  listAgents: {
    input: {
      query?: {
        skip?: number
        limit?: number
      }
    }
    answer: (Agent)[]
  }
  /** List what waits for a decision. */
  listApprovals: {
    input: {
      query?: {
        limit?: number
        cursor?: string
      }
    }
    answer: (Approval)[]
  }
  /** Look at the trail: who changed what. */
  listAudit: {
    input: {
      query?: {
        actor?: string
        action?: string
        object_type?: string
        object?: string
        environment?: string
        from?: string
        to?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (AuditEntry)[]
  }
  /** List the agents that workflows may use. */
  listAvailableAgents: {
    input: {
    }
    answer: (Agent)[]
  }
  /** List deployments. */
  listDeployments: {
    input: {
      query?: {
        environment?: string
        status?: "active" | "inactive"
        q?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (DeploymentDetail)[]
  }
  /** List executions. */
  listExecutions: {
    input: {
      query?: {
        deployment_name?: string
        environment?: string
        workflow_id?: string
        status?: "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled"
        release?: number
        session_id?: string
        test?: boolean
        from?: string
        to?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (ExecutionSummary)[]
  }
  /** List the API keys. */
  listKeys: {
    input: {
      query?: {
        status?: "active" | "expired" | "revoked"
        limit?: number
        cursor?: string
      }
    }
    answer: (Key)[]
  }
  /** List the MCP servers of this machine. */
  listMcpServers: {
    input: {
    }
    answer: (MCPserverofthismachine)[]
  }
  /** List model providers, and the models that are known. */
  listModels: {
    input: {
    }
    answer: Models
  }
  /** List what waits, or waited, for a second key. */
  listProposals: {
    input: {
      query?: {
        environment?: string
        deployment_name?: string
        status?: "pending" | "approved" | "rejected" | "expired"
        limit?: number
        cursor?: string
      }
    }
    answer: (Proposal)[]
  }
  /** List the releases of a deployment. */
  listReleases: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (Release)[]
  }
  /** See how the routes came to be. */
  listRouteChanges: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (RouteChange)[]
  }
  /** List secrets. */
  listSecrets: {
    input: {
      query?: {
        environment?: string
        q?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (Secret)[]
  }
  /** List the steps of an execution. */
  listSteps: {
    input: {
      path: {
        execution_id: string
      }
      query?: {
        limit?: number
        cursor?: string
      }
    }
    answer: (Step)[]
  }
  /** List the sorts of tools. */
  listToolTypes: {
    input: {
    }
    answer: (Sortoftool)[]
  }
  /** List the tools that are built in. */
  listTools: {
    input: {
    }
    answer: (Tool)[]
  }
  /** List the tools that the agents of a deployment have. */
  listToolsOfDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
    }
    answer: (Toolofanagent)[]
  }
  /** List variables. */
  listVariables: {
    input: {
      query?: {
        environment?: string
        q?: string
        limit?: number
        cursor?: string
      }
    }
    answer: (Variable)[]
  }
  /** List workflows. */
  listWorkflows: {
    input: {
      query?: {
        skip?: number
        limit?: number
        is_active?: boolean
        is_deployed?: boolean
      }
    }
    answer: (Workflow)[]
  }
  /** Promote a release to another environment. */
  promoteDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body: {
      /** Where the release shall serve. The source is looked up elsewhere, or in `?environment=`. */
      environment: string
      /** Another name there. */
      as?: string
      /** Of the source. Default: the live one. */
      release?: number
      /** Default: what the deployment has there; for a new one, that of the source. */
      runtime_config?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue?: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded?: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns?: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters?: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      deployed_by?: string
      /** What it is for; for those who read the history. */
      note?: string
      /** What becomes of executions in flight on other releases: they end there (pin, the default), or are cancelled by then. */
      in_flight?: "pin" | "cancel"
      /** Made by a program that nobody watches: after a rollback that is 409, until somebody lets such deploys go on. */
      automated?: boolean
      /** Says what would happen, with every problem, and changes nothing. */
      dry_run?: boolean
    }
    }
    answer: {
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
      /** True when the very same release served already, so that nothing was changed. */
      unchanged: boolean
      /** Executions that were cancelled, where that was asked for. */
      cancelled?: number
      made_from: {
        deployment_name: string
        environment: string
        release: number
      }
      checklist: ({
        check: "secrets" | "variables" | "models" | "definition" | "runtime_config" | "executions"
        ok: boolean
        message: string
        missing?: (string)[]
        executions?: {
          completed: number
          failed: number
          last: ({
            execution_id: string
            status: string
          })[]
        }
      })[]
    } | PromotionRehearsal | {
      message: string
      proposal: Proposal
    }
  }
  /** Store a secret. */
  putSecret: {
    input: {
      path: {
        environment: string
        name: string
      }
      body: {
      /** At least 8 characters, besides spaces around them, and at most 32,768 bytes. No answer ever shows it. */
      value: string
    }
    }
    answer: Secret
  }
  /** Store a variable. */
  putVariable: {
    input: {
      path: {
        environment: string
        name: string
      }
      body: {
      value: string
    }
    }
    answer: Variable
  }
  /** Reactivate a stopped deployment. */
  reactivateDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body?: {
      environment?: string
    }
    }
    answer: {
      message: string
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
    }
  }
  /** Reject what an execution waits for. */
  rejectExecution: {
    input: {
      path: {
        execution_id: string
      }
      body?: {
      /** May be left out where only one step waits. */
      step_id?: string
      /** Why; kept with the decision. */
      comment?: string
    }
    }
    answer: {
      execution_id: string
      step_id: string
      decision: string
    }
  }
  /** Reject a proposal, or take it back. */
  rejectProposal: {
    input: {
      path: {
        proposal_id: string
      }
      body?: {
      reason?: string
    }
    }
    answer: Proposal
  }
  /** Run executions again. */
  rerunExecutions: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body: {
      /** Only those that ran on it. */
      release: number
      /** How they ended. Default: failed. */
      status?: ("completed" | "failed" | "cancelled")[]
      /** Accepted at this time or later. */
      from?: string
      /** Accepted before this time. */
      to?: string
      /** At most so many. Default 100. */
      limit?: number
      environment?: string
    }
    }
    answer: {
      message: string
      deployment_id: string
      deployment_name: string
      environment: string
      rerun: number
      /** That match and are left; counted up to 10,000. */
      remaining: number
      /** The limit that let no more of them in; repeat the call later. */
      stopped_by: {
        code: string
        message: string
      } | null
      executions: ({
        execution_id: string
        rerun_id: string
      })[]
    }
  }
  /** Let automated deploys go on after a rollback. */
  resumeDeploys: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body?: {
      environment?: string
    }
    }
    answer: {
      message: string
      was_held: boolean
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
    }
  }
  /** Resume a failed execution. */
  resumeExecution: {
    input: {
      path: {
        execution_id: string
      }
    }
    answer: Execution
  }
  /** Revoke an API key. */
  revokeKey: {
    input: {
      path: {
        key_id: string
      }
    }
    answer: {
      message: string
      /** The public part, which the key begins with. */
      key_id: string
      name: string
      status: "active" | "expired" | "revoked"
      scopes: ("workflow:read" | "workflow:write" | "deploy" | "execute" | "execution:read" | "approve" | "secrets" | "admin")[]
      environments: (string)[] | null
      deployment_pattern: string | null
      rate_limit: {
        /** So many at once, after which they fill up at an even pace. */
        requests: number
        /** The time in which all of them are there again. */
        seconds: number
      } | null
      concurrency: number | null
      created_at: string
      created_by: string | null
      expires_at: string | null
      last_used_at: string | null
      revoked_at: string | null
    }
  }
  /** Roll back to a release that is there. */
  rollBackDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body?: {
      /** A release. Default: the last that was healthy. */
      to?: number
      reason?: string
      environment?: string
    }
    }
    answer: {
      message: string
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      deployed_at: string
      deployed_by: string | null
      runtime_config: {
        /** Seconds for the whole execution. Default 300. */
        timeout: number
        /** Retries of each step. Default 3. */
        max_retries: number
        /** How many executions of the deployment run at a time. Without it, as many as there is room for. */
        concurrency?: {
          /** Executions that run at a time. Those that wait for a person or a time do not count. */
          limit: number
          /** Executions that may wait for their turn; what comes beyond them is 429. Default 100. */
          queue: number
        }
        /** How many executions the deployment takes; what comes beyond them is 429. Without it, all. */
        rate_limit?: {
          /** So many at once, after which they fill up at an even pace. */
          requests: number
          /** The time in which all of them are there again. */
          seconds: number
        }
        /** What model calls may use: tokens, US dollars, or both. */
        budget?: {
          /** What one execution may use. `stop`, the default: it fails before its next model call, with `budget_exceeded`; `warn`: its stream says so. */
          per_execution?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "stop" | "warn"
          }
          /** What all executions of the deployment may use in a day in UTC. `refuse`, the default: new executions are 429 until the day ends; `stop`: those in flight fail before their next model call as well; `warn`: their streams say so. */
          per_day?: {
            /** Of input and output together. */
            tokens?: number
            /** US dollars. */
            cost?: number
            on_exceeded: "refuse" | "stop" | "warn"
          }
        }
        /** How much of a session its executions see. */
        memory?: {
          /** Questions with their answers, the newest. 0: nothing is remembered, and the executions of a session run beside each other. Default 20. */
          turns: number
          /** Of all of them together; a turn is remembered as a whole or not at all. Default 32000. */
          characters: number
        }
        /** A webhook, signed as Standard Webhooks has it, for each execution that fails. */
        on_failure?: {
          /** Where it is sent. `{{ secrets.NAME }}` in it stands for that secret. */
          url: string
          /** What it is signed with. */
          secret: string
        }
      }
      stopped_at: string | null
      /** Executions that ended, in whatever state. */
      execution_count: number
      /** Executions that failed. */
      error_count: number
      last_executed: string | null
      last_error: string | null
      /** The workflow as it was when the release was made. */
      workflow: {
        workflow_id: string
        name: string
        version: string
        description: string | null
      }
      /** The release that executions run on; of several, the one that gets the most. */
      release: {
        number: number
        /** SHA-256 of the definition and the runtime configuration, in RFC 8785 form. */
        digest: string
        /** SHA-256 of the definition alone. */
        definition_digest: string
        created_at: string
        created_by: string | null
      }
      /** How executions are divided among releases. */
      traffic: (Route)[]
      /** Releases that executions went to and do no longer. */
      from: (number)[]
      to: number
      hold: {
        since: string
        by: string | null
        reason: string | null
        from_releases: (number)[]
        to_release: number
      } | null
      /** Executions that those releases had, which can be run again or cancelled. */
      touched: ({
        release: number
        counts: {
          queued: number
          running: number
          waiting: number
          completed: number
          failed: number
          cancelled: number
        }
        executions: ({
          execution_id: string
          status: string
          created_at: string
        })[]
        /** The list of all of them. */
        all: string
      })[]
    }
  }
  /** Send a signal to an execution. */
  sendSignal: {
    input: {
      path: {
        execution_id: string
        name: string
      }
      body?: {
      payload?: unknown
    }
    }
    answer: {
      execution_id: string
      name: string
      seq: number
    }
  }
  /** Divide executions among releases. */
  setTraffic: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body: {
      /** All of them. The percentages add up to 100. */
      routes: (Route)[]
      /** Watches the releases other than `back_to`. When one passes a bound, its part of the executions goes to `back_to` by itself, never the other way. At least one bound. Without a guard nothing is watched. */
      guard?: {
        /** Of the executions that ended, the part that may have failed: 0.05 are five in a hundred. */
        max_error_rate?: number
        /** Milliseconds that at most five in a hundred executions may run longer than. What they wait for a person or a time does not count. */
        max_p95_ms?: number
        /** US dollars that an execution may cost on average. */
        max_cost?: number
        /** Executions by which a release is judged: a bound is passed when as many of them pass it as make it certain for that number. */
        min_samples: number
        /** Default: the oldest release that has a part of the executions; where only one has, the oldest of the routes. */
        back_to?: number
      }
      /** Why; kept with the change. */
      reason?: string
      environment?: string
    }
    }
    answer: {
      deployment_id: string
      deployment_name: string
      environment: string
      status: "active" | "inactive"
      /** The release with the largest part. Its concurrency, rate limit and daily budget are those of the deployment. */
      live: number
      guard: {
        /** Of the executions that ended, the part that may have failed: 0.05 are five in a hundred. */
        max_error_rate?: number
        /** Milliseconds that at most five in a hundred executions may run longer than. What they wait for a person or a time does not count. */
        max_p95_ms?: number
        /** US dollars that an execution may cost on average. */
        max_cost?: number
        /** Executions by which a release is judged: a bound is passed when as many of them pass it as make it certain for that number. */
        min_samples: number
        back_to: number
        watched: ({
          release: number
          /** Executions that it is judged by: the newest ones, at most twice `min_samples`. */
          samples: number
          errors: number
          /** Beyond `max_p95_ms`. */
          slow: number
          cost: number
        })[]
      } | null
      change: RouteChange
      routes: ({
        /** A release of this deployment. */
        release: number
        /** Of the executions that name no release; with two decimals at most. */
        percent: number
        /** A tag has 1 to 32 small letters, digits and hyphens, and begins with a letter. */
        tag?: string
        digest: string
        in_flight: number
      })[]
      /** True when it was like this already, so that nothing was changed. */
      unchanged: boolean
    }
  }
  /** Stop a deployment. */
  stopDeployment: {
    input: {
      path: {
        deployment_name: string
      }
      query?: {
        environment?: string
      }
      body?: {
      environment?: string
      /** What becomes of executions in flight: they end (drain, the default), are cancelled, or rest until reactivation. */
      mode?: "drain" | "cancel" | "freeze"
      /** Seconds. What a drain has left by then is cancelled; of a freeze, what still runs by then, while what has parked stays. A later stop takes its place; a reactivation or a deploy ends it. */
      deadline?: number
    }
    }
    answer: {
      message: string
      deployment_id: string
      environment: string
      status: "inactive"
      stopped_at: string
      mode: "drain" | "cancel" | "freeze"
      deadline: string | null
      /** Executions that the stop has cancelled. */
      cancelled: number
      in_flight: {
        queued: number
        running: number
        waiting: number
      }
    }
  }
  /** Change an agent. */
  updateAgent: {
    input: {
      path: {
        agent_id: string
      }
      body?: {
      name?: string
      /** What kind of agent it is. Default: its name. */
      agent_type?: string
      /** Other agents read it to decide whether to call this one. */
      description?: string
      /** model, system_prompt, temperature, max_tokens, top_p, stop, max_retries, api. A node of a workflow that uses this agent overrides what its own config names. */
      config?: Record<string, unknown>
      available_for_deployment?: boolean
    }
    }
    answer: Agent
  }
  /** Change a workflow. */
  updateWorkflow: {
    input: {
      path: {
        workflow_id: string
      }
      body?: {
      name?: string
      /** Agents and the connections between them; everything else in it is kept as it comes. It may be unfinished: a deploy checks it. */
      configuration?: Record<string, unknown>
      description?: string
      version?: string
      tags?: (string)[]
      created_by?: string
      is_active?: boolean
      is_editable?: boolean
    }
    }
    answer: Workflow
  }
  /** Check whether a workflow could be deployed. */
  validateWorkflow: {
    input: {
      path: {
        workflow_id: string
      }
      query?: {
        environment?: string
      }
    }
    answer: {
      valid: boolean
      errors: ({
        pointer: string
        code: string
        message: string
      })[]
      warnings: ({
        code: string
        message: string
        pointer?: string
      })[]
    }
  }
}

/** Where each call goes. */
export const routes: Readonly<Record<keyof Operations, string>> = {
  addAgent: 'POST /api/workflows/{workflow_id}/agents',
  addConnection: 'POST /api/workflows/{workflow_id}/connections',
  approveExecution: 'POST /api/executions/{execution_id}/approve',
  approveProposal: 'POST /api/proposals/{proposal_id}/approve',
  cancelExecution: 'POST /api/executions/{execution_id}/cancel',
  cancelExecutions: 'POST /api/workflows/deployments/{deployment_name}/executions/cancel',
  changeKey: 'PATCH /api/keys/{key_id}',
  checkHealth: 'GET /healthz',
  checkReadiness: 'GET /readyz',
  compareReleases: 'GET /api/workflows/deployments/{deployment_name}/diff',
  configureDeployment: 'PATCH /api/workflows/deployments/{deployment_name}',
  createAgent: 'POST /api/agents',
  createKey: 'POST /api/keys',
  createWorkflow: 'POST /api/workflows',
  deleteAgent: 'DELETE /api/agents/{agent_id}',
  deleteDeployment: 'DELETE /api/workflows/deployments/{deployment_name}',
  deleteExecution: 'DELETE /api/executions/{execution_id}',
  deleteSecret: 'DELETE /api/secrets/{environment}/{name}',
  deleteVariable: 'DELETE /api/variables/{environment}/{name}',
  deleteWorkflow: 'DELETE /api/workflows/{workflow_id}',
  deployWorkflow: 'POST /api/workflows/{workflow_id}/deploy',
  execute: 'POST /api/workflows/execute',
  executeAsync: 'POST /api/workflows/execute/async',
  executeDraft: 'POST /api/workflows/{workflow_id}/execute',
  executeDraftAsync: 'POST /api/workflows/{workflow_id}/execute/async',
  exportAudit: 'GET /api/audit/export',
  getAgent: 'GET /api/agents/{agent_id}',
  getAgentByName: 'GET /api/agents/name/{name}',
  getDeployment: 'GET /api/workflows/deployments/{deployment_name}',
  getDrain: 'GET /api/workflows/deployments/{deployment_name}/drain',
  getExecution: 'GET /api/executions/{execution_id}',
  getHealth: 'GET /hc',
  getKey: 'GET /api/keys/{key_id}',
  getMcpServer: 'GET /api/tools/servers/{name}',
  getMetrics: 'GET /metrics',
  getOpenApi: 'GET /openapi.json',
  getProposal: 'GET /api/proposals/{proposal_id}',
  getRelease: 'GET /api/workflows/deployments/{deployment_name}/releases/{number}',
  getSecret: 'GET /api/secrets/{environment}/{name}',
  getTraffic: 'GET /api/workflows/deployments/{deployment_name}/traffic',
  getVariable: 'GET /api/variables/{environment}/{name}',
  getWorkflow: 'GET /api/workflows/{workflow_id}',
  listActiveDeployments: 'GET /api/workflows/deployments/active',
  listAgents: 'GET /api/agents',
  listApprovals: 'GET /api/approvals',
  listAudit: 'GET /api/audit',
  listAvailableAgents: 'GET /api/agents/deployment/available',
  listDeployments: 'GET /api/workflows/deployments',
  listExecutions: 'GET /api/executions',
  listKeys: 'GET /api/keys',
  listMcpServers: 'GET /api/tools/servers',
  listModels: 'GET /api/models',
  listProposals: 'GET /api/proposals',
  listReleases: 'GET /api/workflows/deployments/{deployment_name}/releases',
  listRouteChanges: 'GET /api/workflows/deployments/{deployment_name}/traffic/changes',
  listSecrets: 'GET /api/secrets',
  listSteps: 'GET /api/executions/{execution_id}/steps',
  listToolTypes: 'GET /api/tools/types',
  listTools: 'GET /api/tools',
  listToolsOfDeployment: 'GET /api/workflows/deployments/{deployment_name}/tools',
  listVariables: 'GET /api/variables',
  listWorkflows: 'GET /api/workflows',
  promoteDeployment: 'POST /api/workflows/deployments/{deployment_name}/promote',
  putSecret: 'PUT /api/secrets/{environment}/{name}',
  putVariable: 'PUT /api/variables/{environment}/{name}',
  reactivateDeployment: 'POST /api/workflows/deployments/{deployment_name}/reactivate',
  rejectExecution: 'POST /api/executions/{execution_id}/reject',
  rejectProposal: 'POST /api/proposals/{proposal_id}/reject',
  rerunExecutions: 'POST /api/workflows/deployments/{deployment_name}/executions/rerun',
  resumeDeploys: 'POST /api/workflows/deployments/{deployment_name}/resume-deploys',
  resumeExecution: 'POST /api/executions/{execution_id}/resume',
  revokeKey: 'DELETE /api/keys/{key_id}',
  rollBackDeployment: 'POST /api/workflows/deployments/{deployment_name}/rollback',
  sendSignal: 'POST /api/executions/{execution_id}/signals/{name}',
  setTraffic: 'PUT /api/workflows/deployments/{deployment_name}/traffic',
  stopDeployment: 'POST /api/workflows/deployments/{deployment_name}/stop',
  updateAgent: 'PUT /api/agents/{agent_id}',
  updateWorkflow: 'PUT /api/workflows/{workflow_id}',
  validateWorkflow: 'POST /api/workflows/{workflow_id}/validate',
}

/** What answers with a stream of events. */
export const streams = {
  executeDraftStream: 'POST /api/workflows/{workflow_id}/execute/stream',
  executeStream: 'POST /api/workflows/execute/stream',
  followExecution: 'GET /api/executions/{execution_id}/events',
} as const

/** What the calls that begin a stream are asked. */
export interface Streams {
  executeDraftStream: {
    path: {
      workflow_id: string
    }
    body: {
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Whose secrets and variables it has. Without it the first one in their configured order: development. */
      environment?: string
      /** What happens when the client leaves before the end. Default: continue. */
      on_disconnect?: "continue" | "cancel"
    }
  }
  executeStream: {
    body: {
      /** A deployment name has 1 to 128 letters, digits, dots, underscores and hyphens, begins with a letter or a digit, and is not 'active'. */
      deployment_name?: string
      /** Instead of a name: the most recently deployed active deployment of this workflow. */
      workflow_id?: string
      /** What the workflow is asked. */
      query: string
      /** What was said before, oldest first. Where it is given, nothing of the session is remembered. */
      chat_history?: ({
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        actor: string
        content: string
      } | {
        /** Who said it, in capitals or not: user, human; assistant, ai, bot, agent; system. */
        role: string
        content: string
      })[]
      runtime_overrides?: {
        /** Seconds for the whole execution. Default 300. */
        timeout?: number
        /** Retries of each step. Default 3. */
        max_retries?: number
      }
      /** Anything; recorded with the execution. */
      input?: unknown
      /** A conversation: its executions run one after the other, and each sees the questions and answers before it. An empty one is none. */
      session_id?: string
      user_id?: string
      /** Only this environment. Without it all are searched, in their configured order. */
      environment?: string
      /** Only this release, which must have a route, of 0 % if need be. Without it, as the traffic is divided. */
      release?: number
      /** Instead of a release: the route that has this tag. */
      tag?: string
      /** What happens when the client leaves before the end. Default: continue. */
      on_disconnect?: "continue" | "cancel"
    }
  }
  followExecution: {
    path: {
      execution_id: string
    }
  }
}
