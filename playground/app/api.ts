/** The whole of the REST application, its OpenAPI document at /openapi.json and a page to browse it at /docs. */
import { Layer } from 'effect';
import { HttpApi, HttpApiBuilder, HttpApiScalar, OpenApi } from 'effect/http-api';
import { Accounts, accountsLayer, SignUp, signUpLayer } from './accounts.js';
import { Countries, countriesLayer } from './countries.js';
import { Managers, managersLayer } from './managers.js';
import { Checked } from './problems.js';
import { Projects, projectsLayer } from './projects.js';
import { Tasks, tasksLayer } from './tasks.js';
import { Authenticated, ForTenant } from './tenant.js';
import { Users, usersLayer } from './users.js';

const description =
  'The bearer token decides whose rows these are: no path and no body names the tenant. ' +
  'The playground prints a token when it starts; POST /api/accounts gives one for a new account.';

export class Api extends HttpApi.make('app')
  .add(SignUp, Accounts, Users, Managers, Projects, Tasks, Countries)
  .annotateMerge(OpenApi.annotations({ title: 'drizzle-tenant playground', version: '1', description })) {}

const groups = Layer.mergeAll(
  signUpLayer,
  accountsLayer,
  usersLayer,
  managersLayer,
  projectsLayer,
  tasksLayer,
  countriesLayer,
);

export const apiLayer = Layer.mergeAll(
  HttpApiBuilder.layer(Api, { openapiPath: '/openapi.json' }),
  HttpApiScalar.layer(Api, { path: '/docs', scalar: { withDefaultFonts: false } }),
).pipe(Layer.provide(groups), Layer.provide([Authenticated.layer, ForTenant.layer, Checked.layer]));
