// Who is at the desk. In development one click picks or names a user; elsewhere this only shows who it is.

import { toMillraceError } from '@millrace/protocol';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { MeAnswer, UsersAnswer } from '../../../shared/api.ts';
import { postJson } from '../data/http.ts';
import { useJson } from '../data/use-json.ts';
import { Button } from '../parts/button.tsx';
import { Popover } from './popover.tsx';

export function SignIn(): ReactElement | null {
  const [me] = useJson<MeAnswer>('/api/me');
  if (me.is !== 'loaded')
    return <span aria-hidden="true" className="h-8 w-20 rounded-md bg-raised" />;
  const { user, isSignedIn, canSignInByName } = me.value;
  if (user === null && !canSignInByName) return null;
  const name = isSignedIn && user !== null ? user.name : 'Sign in';
  return (
    <Popover label={isSignedIn ? `Signed in as ${name}` : 'Sign in'} face={<span>{name}</span>}>
      {isSignedIn ? <SignedIn name={name} /> : <Pick />}
    </Popover>
  );
}

function SignedIn({ name }: { readonly name: string }): ReactElement {
  return (
    <>
      <p>
        Signed in as <strong>{name}</strong>.
      </p>
      <Button onClick={() => void postJson('/api/sign-out').then(reload)}>Sign out</Button>
    </>
  );
}

function Pick(): ReactElement {
  const [users] = useJson<UsersAnswer>('/api/users');
  const [error, setError] = useState<string | null>(null);
  const signIn = (name: string): void => {
    postJson('/api/sign-in', { name }).then(reload, (thrown: unknown) =>
      setError(toMillraceError(thrown).message),
    );
  };
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get('name');
    if (typeof name === 'string') signIn(name);
  };
  return (
    <>
      <p className="text-quiet">Development sign-in: pick a person, or name a new one.</p>
      {users.is === 'loaded' && users.value.users.length > 0 ? (
        <ul className="flex flex-wrap gap-2">
          {users.value.users.map((user) => (
            <li key={user.id}>
              <Button onClick={() => signIn(user.name)}>{user.name}</Button>
            </li>
          ))}
        </ul>
      ) : null}
      <form onSubmit={submit} className="flex w-full gap-2">
        <input
          name="name"
          aria-label="Name"
          placeholder="Name"
          required
          maxLength={40}
          className="h-8 min-w-0 flex-1 rounded-md border border-line bg-ground px-2"
        />
        <Button type="submit" look="solid">
          Sign in
        </Button>
      </form>
      {error === null ? null : (
        <p role="alert" className="text-down">
          {error}
        </p>
      )}
    </>
  );
}

/** Another person may see other things: a fresh page holds nothing of the last one. */
function reload(): void {
  location.reload();
}
