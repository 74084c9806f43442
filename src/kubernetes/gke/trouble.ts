/**
 * What gcloud says when it fails, in words and with the next step. gcloud has no error codes that one
 * could go by: its exit code is 1 for all of them, so these are the phrases that it and Google's APIs
 * use, most telling first: a call to an API that is off is a 403 too.
 */
import type { GcloudError } from "./gcloud.ts"
import type { Place } from "./wish.ts"

export interface Trouble {
  readonly message: string
  readonly next: string
}

interface Known {
  readonly says: RegExp
  readonly message: string
  readonly next: (place: Place) => string
}

const known: readonly Known[] = [
  {
    says: /do not currently have an active account|Reauthentication|refreshing your current auth tokens|invalid_grant|Request had invalid authentication credentials/i,
    message: "gcloud is not logged in, or its login has expired.",
    next: () => "gcloud auth login",
  },
  {
    says: /UREQ_PROJECT_BILLING|BILLING_DISABLED|billing must be enabled|billing account for project .{0,80} is not|billing is disabled|requires billing/i,
    message: "The project has no billing account, and Google makes no cluster without one.",
    next: ({ project }) =>
      `gcloud billing accounts list\ngcloud billing projects link ${project} --billing-account=ACCOUNT_ID`,
  },
  {
    says: /SERVICE_DISABLED|has not been used in project|API \[?[\w.]+\]? (?:is )?not enabled|accessNotConfigured/i,
    message:
      "An API is not enabled in the project, or not yet: that takes a few minutes to get round.",
    next: ({ project }) =>
      `gcloud services enable container.googleapis.com artifactregistry.googleapis.com --project=${project}`,
  },
  {
    says: /QUOTA_EXCEEDED|insufficient (?:regional |project )?quota|quota '?[\w-]+'? exceeded|exceeded.{0,40}quota/i,
    message: "The project's quota does not allow it.",
    next: ({ project }) =>
      `Ask for more, or for less: fewer or smaller nodes, another region.\nhttps://console.cloud.google.com/iam-admin/quotas?project=${project}`,
  },
  {
    says: /STOCKOUT|RESOURCE_POOL_EXHAUSTED|does not have enough resources available/i,
    message: "Google has no such machines left there at the moment.",
    next: () => "Try another zone, region or machine type, or later.",
  },
  {
    says: /component manager\s+is disabled/i,
    message:
      "gcloud was installed by a package manager, so that is where the login plugin has to come from.",
    next: () => "apt-get install google-cloud-cli-gke-gcloud-auth-plugin",
  },
  {
    says: /project .{0,80}(?:not found|does not exist)|invalid project|CONSUMER_INVALID/i,
    message: "There is no such project, or your account may not see it.",
    next: () => "gcloud projects list",
  },
  {
    says: /PERMISSION_DENIED|does not have permission|permission\(s\) for|code=403|IAM_PERMISSION_DENIED/i,
    message: "Your account may not do that in this project.",
    next: ({ project }) =>
      `Ask who owns the project for the roles Kubernetes Engine Admin and Artifact Registry Admin, or use another account:\ngcloud config set account ACCOUNT\ngcloud projects get-iam-policy ${project}`,
  },
  {
    says: /incompatible operation|operation .{0,80}is (?:currently|already) |FAILED_PRECONDITION.{0,400}operation/i,
    message: "Something else is being done to the cluster.",
    next: () => "The same command waits for it.",
  },
]

/** In words: what happened, and what to do. */
export function troubleOf(error: GcloudError, place: Place): Trouble {
  switch (error.why) {
    case "not installed":
      return {
        message:
          "There is no gcloud here: Capstan runs Google's own command line, with your login.",
        next: "Install it, then log in:  https://cloud.google.com/sdk/docs/install\ngcloud auth login",
      }
    case "interrupted":
      return {
        message: "Interrupted. What Google has begun goes on without us.",
        next: "",
      }
    case "timeout":
      return {
        message: "gcloud gave no answer in time.",
        next: "Look whether Google has trouble:  https://status.cloud.google.com",
      }
    case "failed": {
      const found = known.find(({ says }) => says.test(error.said))
      const reason = reasonIn(error.said)
      if (found === undefined) return { message: `gcloud failed: ${reason}`, next: "" }
      return { message: `${found.message}\n${reason}`, next: found.next(place) }
    }
    default:
      throw error.why satisfies never
  }
}

/** Whether something is not there because the API that would know is off. */
export function isApiOff(error: GcloudError): boolean {
  return /SERVICE_DISABLED|has not been used in project/.test(error.said)
}

const reasonCharsMax = 600

/** What follows `ERROR:`, in one line. */
function reasonIn(said: string): string {
  const from = said.lastIndexOf("ERROR:")
  const text = (from < 0 ? said : said.slice(from + "ERROR:".length)).replaceAll(/\s+/g, " ").trim()
  return text.length > reasonCharsMax
    ? `${text.slice(0, reasonCharsMax)}…`
    : text || "it said nothing"
}
